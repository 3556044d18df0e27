extension ImageBuffer {
    /// The pixels of `box`; where it reaches beyond the picture they are 0.
    public func cropped(to box: CropBox) -> ImageBuffer {
        var result = ImageBuffer()
        crop(to: box, into: &result)
        return result
    }

    /// `cropped(to:)` into memory that is used again.
    public func crop(to box: CropBox, into result: inout ImageBuffer) {
        require(box.width >= 0 && box.height >= 0, "ImageBuffer: impossible rectangle \(box)")
        result.reshape(width: box.width, height: box.height, channels: channels)
        let rows = max(0, box.top)..<max(0, box.top, min(height, box.top + box.height))
        let columns = max(0, box.left)..<max(0, box.left, min(width, box.left + box.width))
        let outside = rows.count < box.height || columns.count < box.width
        let (stride, resultStride) = (rowBytes, result.rowBytes)
        withUnsafeBytes { source in
            result.withUnsafeMutableBytes { target in
                if outside { target.update(repeating: 0) }
                guard let from = source.baseAddress, let to = target.baseAddress else { return }
                for row in rows where !columns.isEmpty {
                    let offset = (columns.lowerBound - box.left) * channels
                    (to + (row - box.top) * resultStride + offset).update(
                        from: from + row * stride + columns.lowerBound * channels,
                        count: columns.count * channels)
                }
            }
        }
    }

    /// Exchanges left and right in place.
    public mutating func flipHorizontally() {
        let (width, height, channels) = (width, height, channels)
        withUnsafeMutableBytes { pixels in
            for row in 0..<height {
                var left = row * width * channels
                var right = left + (width - 1) * channels
                while left < right {
                    for channel in 0..<channels {
                        pixels.swapAt(left + channel, right + channel)
                    }
                    left += channels
                    right -= channels
                }
            }
        }
    }

    /// Size after the short side was brought to `side`: the long one is ⌊side · long / short⌋.
    public func sizeWithShortSide(_ side: Int) -> (width: Int, height: Int) {
        width <= height
            ? (side, Int(Double(side * height) / Double(width)))
            : (Int(Double(side * width) / Double(height)), side)
    }

    /// The rectangle of a centre crop; offsets are rounded half to even.
    ///
    /// Where the picture is smaller the rectangle reaches beyond it, by ⌊missing / 2⌋ on the left
    /// and at the top.
    public func centerBox(width: Int, height: Int) -> CropBox {
        func offset(_ have: Int, _ want: Int) -> Int {
            guard have >= want else { return -((want - have) / 2) }
            return Int((Double(have - want) / 2).rounded(.toNearestOrEven))
        }
        return CropBox(
            top: offset(self.height, height), left: offset(self.width, width), height: height,
            width: width)
    }
}
