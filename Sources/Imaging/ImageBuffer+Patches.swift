/// Operations on the square patches of a picture.
extension ImageBuffer {
    /// Puts patch `order[i]` where patch i was, counted row by row, into `result`.
    ///
    /// What is left over at the right and the bottom stays.
    public func permutingPatches(
        side: Int, order: [Int], into result: inout ImageBuffer
    ) {
        let columns = width / side
        require(
            order.count == columns * (height / side),
            "ImageBuffer: an order of \(order.count) patches of \(side) pixels in \(size)")
        result = self
        for (target, source) in order.enumerated() {
            result.copy(
                self, from: (source / columns * side, source % columns * side),
                to: (target / columns * side, target % columns * side), side: side)
        }
    }

    /// Copies a square between two places, given as (top, left).
    private mutating func copy(
        _ other: ImageBuffer, from: (Int, Int), to: (Int, Int), side: Int
    ) {
        let (stride, channels) = (rowBytes, channels)
        other.withUnsafeBytes { source in
            withUnsafeMutableBytes { target in
                guard let source = source.baseAddress, let target = target.baseAddress else {
                    return
                }
                for row in 0..<side {
                    (target + (to.0 + row) * stride + to.1 * channels).update(
                        from: source + (from.0 + row) * stride + from.1 * channels,
                        count: side * channels)
                }
            }
        }
    }

    /// Makes a rectangle black; what of it lies beyond the picture is ignored.
    public mutating func blacken(_ box: CropBox) {
        guard let box = box.clipped(to: size) else { return }
        let (stride, channels) = (rowBytes, channels)
        withUnsafeMutableBytes { pixels in
            for row in box.top..<box.top + box.height {
                let start = row * stride + box.left * channels
                pixels[start..<start + box.width * channels].update(repeating: 0)
            }
        }
    }
}
