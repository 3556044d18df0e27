import CCodecs

/// Operations that depend on how often each value occurs, channel by channel.
extension ImageBuffer {
    /// How often each value occurs, 256 numbers a channel.
    public var histograms: [UInt32] {
        var counts = [UInt32](repeating: 0, count: 256 * channels)
        withUnsafeBytes { pixels in
            counts.withUnsafeMutableBufferPointer {
                cc_histograms(
                    pixels.baseAddress, width * height, Int32(channels), $0.baseAddress)
            }
        }
        return counts
    }

    /// Stretches each channel so that its values reach from 0 to 255.
    public mutating func autoContrast() {
        mapChannels { counts in
            guard let low = counts.firstIndex(where: { $0 > 0 }),
                let high = counts.lastIndex(where: { $0 > 0 }), low < high
            else { return nil }
            let scale = 255 / Double(high - low)
            let offset = -Double(low) * scale
            return (0..<256).map { UInt8(min(max(Double($0) * scale + offset, 0), 255)) }
        }
    }

    /// Makes all values of each channel about equally frequent.
    public mutating func equalize() {
        mapChannels { counts in
            let used = counts.filter { $0 > 0 }
            guard used.count > 1, let last = used.last else { return nil }
            let step = (counts.reduce(0, +) - last) / 255
            guard step > 0 else { return nil }
            var sum = step / 2
            return counts.map { count in
                defer { sum += count }
                return UInt8(min(sum / step, 255))
            }
        }
    }

    /// Replaces values by a table made of each channel's histogram; nil leaves a channel.
    private mutating func mapChannels(_ table: ([UInt32]) -> [UInt8]?) {
        let counts = histograms
        var tables: [UInt8] = []
        for channel in 0..<channels {
            let own = Array(counts[256 * channel..<256 * (channel + 1)])
            tables += table(own) ?? Array(0...255)
        }
        lookUp(tables)
    }
}
