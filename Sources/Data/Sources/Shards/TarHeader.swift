/// The first 512 bytes of a member of a tar archive: POSIX ustar, GNU, or the old form.
struct TarHeader: Equatable {
    /// What the member is, as far as that matters here.
    enum Kind: Equatable {
        case file
        /// A folder, a link, a device: without data.
        case bare
        /// A sparse file of GNU tar, whose data are not its bytes one after another.
        case sparse(hasMoreMaps: Bool)
        /// The name of the next member, where it is too long for a header (GNU).
        case longName
        /// Records about the next member (POSIX.1-2001).
        case records
        /// Anything else; its data are passed over.
        case other
    }

    static let size = 512
    /// A longest name that an honest archive needs.
    static let longestName = 1 << 15
    /// A size beyond this is no file's: offsets stay far from overflow.
    static let largest = 1 << 50

    var name: String
    var kind: Kind
    /// Bytes of data behind the header, without the padding to the next 512.
    var dataSize: Int

    /// nil for a block of zeros, which marks the end.
    ///
    /// - Throws: `TarFault` where the block is no header.
    init?(_ block: UnsafeRawBufferPointer) throws(TarFault) {
        guard block.contains(where: { $0 != 0 }) else { return nil }
        guard let recorded = Self.number(block[148..<156]) else {
            throw TarFault("has a header without a checksum")
        }
        // The checksum is taken with spaces in its own place; old programs summed signed bytes.
        var (sum, signed) = (0, 0)
        for (index, byte) in block.enumerated() {
            let value = (148..<156).contains(index) ? 32 : byte
            sum += Int(value)
            signed += Int(Int8(bitPattern: value))
        }
        guard sum == recorded || signed == recorded else {
            throw TarFault("has a header with a wrong checksum")
        }
        guard let size = Self.number(block[124..<136]) else {
            throw TarFault("has a member whose size is no number")
        }
        name = Self.text(block[..<100])
        if block[257..<263].elementsEqual(Array("ustar\0".utf8)), block[345] != 0 {
            name = Self.text(block[345..<500]) + "/" + name
        }
        switch block[156] {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): kind = .file
        case UInt8(ascii: "1")...UInt8(ascii: "6"): kind = .bare
        case UInt8(ascii: "S"): kind = .sparse(hasMoreMaps: block[482] != 0)
        case UInt8(ascii: "L"): kind = .longName
        case UInt8(ascii: "x"), UInt8(ascii: "X"): kind = .records
        default: kind = .other
        }
        dataSize = kind == .bare ? 0 : size
    }

    /// Data and padding: how far it is from the end of the header to the next one.
    var step: Int { (dataSize + 511) / 512 * 512 }

    private static func text(_ field: Slice<UnsafeRawBufferPointer>) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Octal digits with spaces or zero bytes around them, or, marked by the first bit, a binary
    /// number (GNU), big-endian.
    static func number(_ field: Slice<UnsafeRawBufferPointer>) -> Int? {
        var value = 0
        if let first = field.first, first & 0x80 != 0 {
            for (index, byte) in field.enumerated() {
                value = value << 8 | Int(index == 0 ? byte & 0x7F : byte)
                guard value <= largest else { return nil }
            }
            return value
        }
        let digits = field.drop { $0 == 32 }.prefix { $0 != 0 && $0 != 32 }
        guard !digits.isEmpty else { return nil }
        for digit in digits {
            guard (48..<56).contains(digit) else { return nil }
            value = value << 3 | Int(digit - 48)
        }
        return value <= largest ? value : nil
    }
}

/// Why the rest of an archive cannot be read.
struct TarFault: Error, Equatable {
    let problem: String

    init(_ problem: String) { self.problem = problem }
}
