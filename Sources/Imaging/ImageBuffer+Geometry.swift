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

    /// Exchanges top and bottom in place.
    public mutating func flipVertically() {
        let (height, stride) = (height, rowBytes)
        withUnsafeMutableBytes { pixels in
            for row in 0..<height / 2 {
                let (top, bottom) = (row * stride, (height - 1 - row) * stride)
                for i in 0..<stride { pixels.swapAt(top + i, bottom + i) }
            }
        }
    }
}
