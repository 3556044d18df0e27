import CZlib

/// The CRC-32 of zip, gzip and PNG, over any number of pieces.
public struct Checksum: Sendable, Equatable {
    public private(set) var value: UInt32 = 0

    public init() {}

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        value = UInt32(
            truncatingIfNeeded: crc32_z(
                UInt(value), start.assumingMemoryBound(to: UInt8.self), bytes.count))
    }

    /// Eight lower-case hexadecimal digits.
    public var hexadecimal: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
