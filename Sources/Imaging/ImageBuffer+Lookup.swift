import CCodecs

/// Operations that map each value by itself.
extension ImageBuffer {
    /// Replaces each value of each channel.
    public mutating func mapValues(_ map: (UInt8) -> UInt8) {
        let table = (0..<256).map { map(UInt8($0)) }
        lookUp(Array(repeatElement(table, count: channels).joined()))
    }

    /// 255 − v.
    public mutating func invert() { mapValues { 255 - $0 } }

    /// 255 − v where v is at least `threshold`, which may be 256: nothing is changed then.
    public mutating func solarize(threshold: Int) {
        mapValues { $0 >= threshold ? 255 - $0 : $0 }
    }

    /// v + `addend`, at most 255, where v is below `threshold`.
    public mutating func solarizeAdd(_ addend: Int, threshold: Int = 128) {
        mapValues { $0 < threshold ? UInt8(clamping: Int($0) + addend) : $0 }
    }

    /// Keeps the highest `bits` bits of each value; 0 makes the picture black.
    public mutating func posterize(bits: Int) {
        guard bits < 8 else { return }
        let mask = UInt8(truncatingIfNeeded: 0xFF << (8 - max(bits, 0)))
        mapValues { $0 & mask }
    }

    /// Replaces each value by its entry in the channel's table of 256.
    mutating func lookUp(_ tables: [UInt8]) {
        require(tables.count == 256 * channels, "ImageBuffer: a table of \(tables.count) values")
        let (count, channels) = (width * height, channels)
        withUnsafeMutableBytes { pixels in
            tables.withUnsafeBufferPointer {
                cc_lookup(pixels.baseAddress, count, Int32(channels), $0.baseAddress)
            }
        }
    }
}
