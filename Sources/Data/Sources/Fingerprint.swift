/// A short text that differs when what was added to it differs.
///
/// FNV-1a of 64 bits (Fowler, Noll and Vo): it tells accidents apart, not attacks.
struct Fingerprint {
    private var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    private let kind: String

    init(_ kind: String) {
        self.kind = kind
        add(kind)
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        // The length first, so that "ab", "c" and "a", "bc" differ.
        add(bytes.count)
        for byte in bytes { mix(byte) }
    }

    mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
    }

    mutating func add(_ texts: [String]) {
        add(texts.count)
        for text in texts { add(text) }
    }

    mutating func add(_ value: Int) {
        withUnsafeBytes(of: UInt64(bitPattern: Int64(value)).littleEndian) { bytes in
            for byte in bytes { mix(byte) }
        }
    }

    private mutating func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }

    /// 16 hexadecimal digits.
    var digits: String {
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    /// `folder-1281167-00f3…`.
    func text(count: Int) -> String { "\(kind)-\(count)-\(digits)" }
}
