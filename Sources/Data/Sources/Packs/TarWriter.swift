import TensorFiles

/// Writes members one behind the other as a tar archive (POSIX ustar), the same bytes every time.
struct TarWriter {
    private let file: AtomicFile
    /// Bytes written so far; the next header starts here.
    private(set) var size = 0

    /// The archive appears at `path` when it is finished, not before.
    init(_ path: String) throws { file = try AtomicFile(path: path) }

    /// Appends a regular file.
    ///
    /// - Parameters:
    ///   - name: at most 100 bytes.
    ///   - bytes: its contents.
    /// - Returns: where the contents start.
    /// - Throws: `TensorFileError` if they cannot be written.
    mutating func append(_ name: String, _ bytes: [UInt8]) throws -> Int {
        let start = size + TarHeader.size
        try write(Self.header(name, size: bytes.count))
        try write(bytes)
        let padding = (512 - bytes.count % 512) % 512
        try write([UInt8](repeating: 0, count: padding))
        return start
    }

    /// Writes the mark of the end and puts the archive at its path.
    mutating func finish() throws {
        try write([UInt8](repeating: 0, count: 1024))
        try file.commit()
    }

    func abandon() { file.abandon() }

    /// What members of these sizes take in an archive, its end mark left out.
    static func size(of memberSizes: [Int]) -> Int {
        memberSizes.reduce(0) { $0 + TarHeader.size + ($1 + 511) / 512 * 512 }
    }

    private mutating func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try file.write($0) }
        size += bytes.count
    }

    /// Owner 0, time 0, readable by all: nothing in it depends on when and by whom it is written.
    static func header(_ name: String, size: Int) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: TarHeader.size)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
        }
        func octal(_ value: Int, digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        require(name.utf8.count <= 100, "TarWriter: the name \(name) is too long")
        require(size < 1 << 33, "TarWriter: \(size) bytes in one member")
        put(name, at: 0)
        put("0000644", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        put(octal(size, digits: 11), at: 124)
        put(octal(0, digits: 11), at: 136)
        put("        ", at: 148)
        header[156] = UInt8(ascii: "0")
        put("ustar", at: 257)
        put("00", at: 263)
        let sum = header.reduce(0) { $0 + Int($1) }
        put(octal(sum, digits: 6) + "\0 ", at: 148)
        return header
    }
}
