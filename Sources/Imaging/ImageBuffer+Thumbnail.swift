/// Pictures that fit into a square, as Pillow's `thumbnail` makes them.
extension ImageBuffer {
    /// The picture shrunk to fit `side` x `side`; never enlarged.
    ///
    /// Where it shrinks by 4 or more, whole pixels are averaged first: a gap of 2 is left to the
    /// filter.
    public func thumbnail(
        side: Int, interpolation: Interpolation = .bicubic,
        order: PassOrder = .horizontalFirst
    ) -> ImageBuffer {
        guard width > side || height > side else { return self }
        let target = size.fitting(side)
        let factors = PixelSize(
            height: max(height / target.height / 2, 1), width: max(width / target.width / 2, 1))
        let reduced = factors.count > 1 ? self.reduced(by: factors) : self
        var resampler = Resampler()
        var result = ImageBuffer()
        resampler.resample(
            reduced, CropBox(of: reduced.size), to: target,
            columns: SampledSpan(start: 0, end: Double(width) / Double(factors.width)),
            rows: SampledSpan(start: 0, end: Double(height) / Double(factors.height)),
            interpolation, order, into: &result)
        return result
    }

    /// Means of `factors.height` x `factors.width` pixels; at the right and the bottom of fewer.
    func reduced(by factors: PixelSize) -> ImageBuffer {
        var result = ImageBuffer(
            width: (width + factors.width - 1) / factors.width,
            height: (height + factors.height - 1) / factors.height, channels: channels)
        for row in 0..<result.height {
            let rows = row * factors.height..<min((row + 1) * factors.height, height)
            for column in 0..<result.width {
                let columns = column * factors.width..<min((column + 1) * factors.width, width)
                // The division is a product with 24 fractional bits, cut off, not rounded.
                let count = UInt64(rows.count * columns.count)
                let inverse = UInt64(1 << 24) / count
                for channel in 0..<channels {
                    var sum = count / 2
                    for y in rows {
                        for x in columns { sum += UInt64(self[y, x, channel]) }
                    }
                    result[row, column, channel] = UInt8(sum * inverse >> 24)
                }
            }
        }
        return result
    }
}

extension PixelSize {
    /// The largest size of about this aspect ratio within a square.
    func fitting(_ side: Int) -> PixelSize {
        let aspect = Double(width) / Double(height)
        // Of the two whole numbers around the exact side the one that keeps the ratio better.
        func nearest(_ exact: Double, _ error: (Double) -> Double) -> Int {
            let (low, high) = (exact.rounded(.down), exact.rounded(.up))
            return max(Int(error(high) < error(low) ? high : low), 1)
        }
        let square = Double(side)
        if aspect <= 1 {
            return PixelSize(
                height: side, width: nearest(square * aspect) { abs(aspect - $0 / square) })
        }
        return PixelSize(
            height: nearest(square / aspect) { $0 == 0 ? 0 : abs(aspect - square / $0) },
            width: side)
    }
}
