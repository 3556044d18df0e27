import Imaging

/// A file with a few things wrong.
struct FuzzedPicture {
    private(set) var bytes: [UInt8]

    /// Damages one of the files, mostly a little.
    init(of corpus: [[UInt8]], _ random: inout TestRandom) {
        bytes = corpus.randomElement(using: &random) ?? []
        let count = 1 << Int.random(in: 0...3, using: &random)
        for _ in 0..<Int.random(in: 1...count, using: &random) where !bytes.isEmpty {
            damage(corpus, &random)
        }
        // With their checksums right, changes of a PNG reach what is behind the checks.
        if Bool.random(using: &random) { repairChecksums() }
    }

    private mutating func damage(_ corpus: [[UInt8]], _ random: inout TestRandom) {
        // Headers lie in front, and hold what is worth damaging.
        let isFront = Int.random(in: 0..<3, using: &random) == 0
        let at = Int.random(in: 0..<(isFront ? min(64, bytes.count) : bytes.count), using: &random)
        let length = min(Int.random(in: 1...24, using: &random), bytes.count - at)
        switch Int.random(in: 0..<9, using: &random) {
        case 0, 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 3: bytes.removeSubrange(at..<at + length)
        case 4: bytes.insert(contentsOf: bytes[at..<at + length], at: at)
        case 5: bytes.removeLast(bytes.count - at)
        case 6:
            let other = corpus.randomElement(using: &random) ?? []
            let from = Int.random(in: 0...other.count, using: &random)
            bytes.insert(contentsOf: other[from...].prefix(4 * length), at: at)
        case 7:
            for place in at..<at + length {
                bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
        default: writeLength(at, &random)
        }
    }

    /// Numbers that overflow something, in both byte orders and of 2, 3, 4 or 8 bytes.
    private mutating func writeLength(_ at: Int, _ random: inout TestRandom) {
        let values = [
            0, 1, -1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000,
            0xFFFF_FFFF, bytes.count, bytes.count - at, .max, .min,
        ]
        let value = values.randomElement(using: &random) ?? 0
        let count = [2, 3, 4, 8].randomElement(using: &random) ?? 4
        let isBig = Bool.random(using: &random)
        for (i, byte) in HostileSizes.bytes(value, count, isBigEndian: isBig).enumerated()
        where at + i < bytes.count {
            bytes[at + i] = byte
        }
    }

    /// Of a PNG whose chunks can still be found.
    private mutating func repairChecksums() {
        guard bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) else { return }
        var at = 8
        while at + 12 <= bytes.count {
            let length = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= bytes.count - at - 12 else { return }
            var checksum: UInt32 = 0xFFFF_FFFF
            for byte in bytes[at + 4..<at + 8 + length] {
                checksum =
                    Self.table[Int(UInt8(truncatingIfNeeded: checksum) ^ byte)]
                    ^ checksum >> 8
            }
            let end = HostileSizes.bytes(Int(~checksum), 4, isBigEndian: true)
            bytes.replaceSubrange(at + 8 + length..<at + 12 + length, with: end)
            at += 12 + length
        }
    }

    private static let table = (0..<256 as Range<UInt32>).map { byte in
        (0..<8).reduce(byte) { value, _ in
            value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1
        }
    }
}
