extension ImageBuffer {
    /// The picture with 1 or 3 channels: grey is repeated, RGB becomes its luma.
    ///
    /// L = (19595 R + 38470 G + 7471 B + 2¹⁵) >> 16, Pillow's `convert("L")`.
    public func converted(toChannels wanted: Int) -> ImageBuffer {
        if wanted == channels { return self }
        var result = ImageBuffer(width: width, height: height, channels: wanted)
        let count = width * height
        withUnsafeBytes { source in
            result.withUnsafeMutableBytes { target in
                switch (channels, wanted) {
                case (1, 3):
                    for i in 0..<count {
                        target[3 * i] = source[i]
                        target[3 * i + 1] = source[i]
                        target[3 * i + 2] = source[i]
                    }
                case (3, 1):
                    for i in 0..<count {
                        let red = 19595 * UInt32(source[3 * i])
                        let green = 38470 * UInt32(source[3 * i + 1])
                        let blue = 7471 * UInt32(source[3 * i + 2])
                        target[i] = UInt8(truncatingIfNeeded: (red + green + blue + 0x8000) >> 16)
                    }
                default:
                    fatalError("ImageBuffer: cannot turn \(channels) channels into \(wanted)")
                }
            }
        }
        return result
    }
}
