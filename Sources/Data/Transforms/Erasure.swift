import Imaging

/// Rectangles of the result that are filled once the values are normalised.
struct Erasure: Sendable {
    let boxes: [CropBox]
    let mode: RandomErasing.Mode
    /// The stream of the numbers that fill them.
    let random: CounterRandom

    /// Fills the rectangles in the planes `[channels, height, width]` of a result.
    func fill(_ planes: UnsafeMutableBufferPointer<Float>, size: PixelSize, channels: Int) {
        forEachValue(channels) { channel, row, column, value in
            planes[(channel * size.height + row) * size.width + column] = value
        }
    }

    /// Fills the rectangles of a picture by what would look so after the normalisation.
    func paint(_ image: inout ImageBuffer, _ normalization: Normalization) {
        forEachValue(image.channels) { channel, row, column, value in
            let mean = normalization.mean[min(channel, normalization.mean.count - 1)]
            let std = normalization.std[min(channel, normalization.std.count - 1)]
            let byte = ((value * std + mean) * 255).rounded()
            image[row, column, channel] = UInt8(min(max(byte, 0), 255))
        }
    }

    private func forEachValue(_ channels: Int, _ body: (Int, Int, Int, Float) -> Void) {
        var random = random
        for box in boxes {
            for channel in 0..<channels {
                var value = mode == .channel ? Float(random.normal()) : 0
                for row in box.top..<box.top + box.height {
                    for column in box.left..<box.left + box.width {
                        if mode == .pixel { value = Float(random.normal()) }
                        body(channel, row, column, value)
                    }
                }
            }
        }
    }
}
