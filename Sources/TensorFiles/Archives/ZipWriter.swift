/// Writes a zip archive of stored files, each at a multiple of 64 bytes, as PyTorch does: readers may
/// map the records.
///
/// Beyond 4 GiB or 65,000 files it has the form zip64 (PKWARE APPNOTE 6.3).
struct ZipWriter {
    private let file: AtomicFile
    private let folder: String
    private var offset = 0
    private var directory: [UInt8] = []
    private var count = 0
    /// The first place that a number of 32 bits does not name.
    private let wide: Int

    private static let alignment = 64

    init(_ file: AtomicFile, folder: String, wideFrom wide: Int = Int(UInt32.max)) {
        self.file = file
        self.folder = folder
        self.wide = wide
    }

    mutating func add(_ name: String, _ bytes: [UInt8]) throws {
        try add(name, byteCount: bytes.count) { body in try bytes.withUnsafeBytes(body) }
    }

    /// Adds a file whose contents are asked for twice: the checksum stands in front of them.
    mutating func add(
        _ name: String, byteCount: Int,
        _ contents: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        var checksum = Checksum()
        try contents { bytes in
            guard bytes.count == byteCount else {
                fatalError("\(file.path): \(name) has \(bytes.count) bytes, not \(byteCount)")
            }
            checksum.update(bytes)
        }
        let path = Array("\(folder)/\(name)".utf8)
        // An extra field of zero bytes fills up to the alignment; its own head has four.
        let end = offset + 30 + path.count + 4
        let filling = (Self.alignment - end % Self.alignment) % Self.alignment
        guard let size = UInt32(exactly: byteCount), size < .max else {
            throw TensorFileError(
                .limit, file: file.path, place: name,
                problem: "would have more than 4 GiB in one tensor, which this form cannot hold",
                remedy: "write safetensors")
        }
        let common =
            Self.bytes(UInt16(20)) + Self.bytes(UInt16(0)) + Self.bytes(UInt16(0))
            + Self.bytes(UInt16(0)) + Self.bytes(UInt16(0x21))  // stored; 1 January 1980
            + Self.bytes(checksum.value) + Self.bytes(size) + Self.bytes(size)
            + Self.bytes(UInt16(path.count))
        let local =
            Self.bytes(UInt32(0x0403_4B50)) + common + Self.bytes(UInt16(4 + filling)) + path
            + Self.bytes(UInt16(0x4246)) + Self.bytes(UInt16(filling))
            + Array(repeating: 0, count: filling)
        try write(local)
        try contents { try file.write($0) }
        // A place that 32 bits do not name stands in an extra field.
        let place = offset < wide ? UInt32(offset) : .max
        let extra =
            offset < wide
            ? [] : Self.bytes(UInt16(1)) + Self.bytes(UInt16(8)) + Self.bytes(UInt64(offset))
        directory +=
            Self.bytes(UInt32(0x0201_4B50)) + Self.bytes(UInt16(offset < wide ? 20 : 45)) + common
            + Self.bytes(UInt16(extra.count)) + Self.bytes(UInt16(0)) + Self.bytes(UInt16(0))
            + Self.bytes(UInt16(0)) + Self.bytes(UInt32(0)) + Self.bytes(place) + path + extra
        offset += local.count + byteCount
        count += 1
    }

    /// Writes the directory; nothing can be added afterwards.
    mutating func finish() throws {
        let isWide = offset >= wide || count >= Int(UInt16.max)
        let number = Self.bytes(isWide ? UInt16.max : UInt16(count))
        let size = Self.bytes(isWide ? UInt32.max : UInt32(directory.count))
        let place = Self.bytes(isWide ? UInt32.max : UInt32(offset))
        try write(
            directory + (isWide ? wideEnd : []) + Self.bytes(UInt32(0x0605_4B50))
                + Self.bytes(UInt32(0)) + number + number + size + place + Self.bytes(UInt16(0)))
    }

    /// The end of the directory with numbers of 64 bits, and where it is.
    private var wideEnd: [UInt8] {
        let number = Self.bytes(UInt64(count))
        let record =
            Self.bytes(UInt32(0x0606_4B50)) + Self.bytes(UInt64(44)) + Self.bytes(UInt16(45))
            + Self.bytes(UInt16(45)) + Self.bytes(UInt64(0)) + number + number
            + Self.bytes(UInt64(directory.count)) + Self.bytes(UInt64(offset))
        return record + Self.bytes(UInt32(0x0706_4B50)) + Self.bytes(UInt32(0))
            + Self.bytes(UInt64(offset + directory.count)) + Self.bytes(UInt32(1))
    }

    private func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try file.write($0) }
    }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
