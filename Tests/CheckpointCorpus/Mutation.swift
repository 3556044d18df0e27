/// Damages to bytes, as transfers, disks and attackers do them.
enum Mutation {
    private static let opcodes =
        Array("(.012FIJKLMNPQRSTUVX]abcdeghijlopqrstu}GBC)".utf8)
        + (0x80...0x98).map { UInt8($0) }

    /// Sizes that overflow something.
    private static let sizes: [UInt64] = [
        0, 1, .max, 1 << 31, 1 << 32, 1 << 62, 1 << 63, 0x7FFF_FFFF,
    ]

    /// One to eight damages of one of the sources, often few.
    static func mutated(_ sources: [[UInt8]], _ random: inout Repeatable) -> [UInt8] {
        let source = sources[Int.random(in: 0..<sources.count, using: &random)]
        let most = Int.random(in: 1...8, using: &random)
        var bytes = damaged(source, most: Int.random(in: 1...most, using: &random), &random)
        guard Int.random(in: 0..<6, using: &random) == 0, !bytes.isEmpty else { return bytes }
        // Another file's piece.
        let other = sources[Int.random(in: 0..<sources.count, using: &random)]
        let from = Int.random(in: 0..<max(other.count, 1), using: &random)
        let at = Int.random(in: 0..<bytes.count, using: &random)
        bytes.insert(contentsOf: other[from...].prefix(32), at: at)
        return bytes
    }

    static func damaged(_ source: [UInt8], most: Int, _ random: inout Repeatable) -> [UInt8] {
        var bytes = source
        for _ in 0..<most where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            let length = min(Int.random(in: 1...16, using: &random), bytes.count - at)
            switch Int.random(in: 0..<7, using: &random) {
            case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes.removeSubrange(at..<at + length)
            case 3: bytes.insert(contentsOf: bytes[at..<at + length], at: at)
            case 4: bytes.removeLast(min(bytes.count - at, 64))
            case 5:
                let size = sizes[Int.random(in: 0..<sizes.count, using: &random)]
                let field = withUnsafeBytes(of: size.littleEndian) { Array($0.prefix(length)) }
                bytes.replaceSubrange(at..<min(at + field.count, bytes.count), with: field)
            default:
                bytes.insert(opcodes[Int.random(in: 0..<opcodes.count, using: &random)], at: at)
            }
        }
        return bytes
    }

    /// Bytes changed in place, which leaves all offsets of the file as they are.
    static func patched(_ source: [UInt8], _ random: inout Repeatable) -> [UInt8] {
        var bytes = source
        guard !bytes.isEmpty else { return bytes }
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            if Bool.random(using: &random) {
                bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            } else {
                bytes[at] = opcodes[Int.random(in: 0..<opcodes.count, using: &random)]
            }
        }
        return bytes
    }
}
