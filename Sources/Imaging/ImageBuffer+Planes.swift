import CCodecs

extension ImageBuffer {
    /// Writes `[channels, height, width]` floats.
    ///
    /// - Parameters:
    ///   - target: `channels · height · width` values.
    ///   - channels: as many as the picture has, or more: its last one is repeated.
    ///   - isFlipped: whether rows run from the right.
    ///   - tables: the float of each byte, 256 a channel.
    public func writePlanes(
        to target: UnsafeMutableBufferPointer<Float>, channels: Int, isFlipped: Bool,
        tables: [Float]
    ) {
        require(
            tables.count == 256 * channels,
            "ImageBuffer: a table of \(tables.count) values for \(channels) channels")
        withPlanes(target, channels) { pixels, out in
            tables.withUnsafeBufferPointer {
                cc_float_planes(pixels, isFlipped ? 1 : 0, Int32(channels), $0.baseAddress, out)
            }
        }
    }

    /// Writes `[channels, height, width]` bytes.
    ///
    /// - Parameters:
    ///   - target: `channels · height · width` values.
    ///   - channels: as many as the picture has, or more: its last one is repeated.
    ///   - isFlipped: whether rows run from the right.
    public func writePlanes(
        to target: UnsafeMutableBufferPointer<UInt8>, channels: Int, isFlipped: Bool
    ) {
        withPlanes(target, channels) { pixels, out in
            cc_byte_planes(pixels, isFlipped ? 1 : 0, Int32(channels), out)
        }
    }

    private func withPlanes<Value>(
        _ target: UnsafeMutableBufferPointer<Value>, _ channels: Int,
        _ write: (cc_pixels, UnsafeMutablePointer<Value>?) -> Void
    ) {
        require(
            target.count == width * height * channels,
            "ImageBuffer: \(target.count) values for \(width)x\(height)x\(channels)")
        withUnsafeBytes { source in
            let pixels = cc_pixels(
                start: source.baseAddress, width: Int32(width), height: Int32(height),
                channels: Int32(self.channels))
            write(pixels, target.baseAddress)
        }
    }
}
