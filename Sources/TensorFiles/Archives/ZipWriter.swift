/// Writes a zip archive of stored files, each at a multiple of 64 bytes, as PyTorch does: readers may
/// map the records.
struct ZipWriter {
    private let file: AtomicFile
    private let folder: String
    private var offset = 0
    private var directory: [UInt8] = []
    private var count = 0

    private static let alignment = 64

    init(_ file: AtomicFile, folder: String) {
        self.file = file
        self.folder = folder
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
        guard let size = UInt32(exactly: byteCount), let start = UInt32(exactly: offset),
            size < .max, start < .max, count < Int(UInt16.max) - 1
        else {
            throw TensorFileError(
                .limit, file: file.path,
                problem:
                    "would have more than 4 GiB or 65,000 tensors, which this form cannot hold",
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
        directory +=
            Self.bytes(UInt32(0x0201_4B50)) + Self.bytes(UInt16(20)) + common
            + Self.bytes(UInt16(0)) + Self.bytes(UInt16(0)) + Self.bytes(UInt16(0))
            + Self.bytes(UInt16(0)) + Self.bytes(UInt32(0)) + Self.bytes(start) + path
        offset += local.count + byteCount
        count += 1
    }

    /// Writes the directory; nothing can be added afterwards.
    mutating func finish() throws {
        guard let start = UInt32(exactly: offset), start < .max else {
            throw TensorFileError(
                .limit, file: file.path,
                problem: "would have more than 4 GiB, which this form cannot hold",
                remedy: "write safetensors")
        }
        let number = Self.bytes(UInt16(count))
        try write(
            directory + Self.bytes(UInt32(0x0605_4B50)) + Self.bytes(UInt32(0)) + number + number
                + Self.bytes(UInt32(directory.count)) + Self.bytes(start) + Self.bytes(UInt16(0)))
    }

    private func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try file.write($0) }
    }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
