import FoundationEssentials

/// Writes a safetensors file piece by piece; the old file stays until the new one is complete.
///
/// The order is a function of the entries: larger elements first, so that every tensor starts at
/// a multiple of its element size, and among equals the order given. The metadata gets two
/// checksums, which `SafeTensorsFile.verify()` recomputes.
///
/// ```swift
/// let writer = try SafeTensorsWriter(path: "model.safetensors", entries: entries)
/// for entry in writer.entries { try writer.append(bytes(of: entry.name)) }
/// try writer.finish()
/// ```
public final class SafeTensorsWriter {
    /// Name, type and shape of a tensor to come.
    public struct Entry: Sendable, Equatable {
        public let name: String
        public let elementType: ElementType
        public let shape: [Int]

        public init(name: String, elementType: ElementType, shape: [Int]) {
            self.name = name
            self.elementType = elementType
            self.shape = shape
        }

        /// Bytes of the tensor.
        public var byteCount: Int { TensorRecord.byteCount(elementType, shape) ?? 0 }
    }

    /// The entries in the order of the file, in which their bytes are to be appended.
    public let entries: [Entry]

    private let file: AtomicFile
    private var header: [UInt8]
    private let expectedCount: Int
    private var writtenCount = 0
    private var checksum = Checksum()

    /// Creates a temporary file beside `path` and writes the header.
    public convenience init(
        path: String, entries: [Entry], metadata: [String: String] = [:]
    ) throws(TensorFileError) {
        try self.init(AtomicFile(path: path), entries: entries, metadata: metadata)
    }

    package init(
        _ file: AtomicFile, entries: [Entry], metadata: [String: String]
    ) throws(TensorFileError) {
        self.file = file
        let ordered = entries.enumerated().sorted { a, b in
            (-a.element.elementType.byteCount, a.offset) < (
                -b.element.elementType.byteCount, b.offset
            )
        }.map(\.element)
        self.entries = ordered
        header = try Self.makeHeader(ordered, metadata, file: file.path)
        expectedCount = ordered.reduce(0) { $0 + $1.byteCount }
        try ByteSlice(copying: header).withUnsafeBytes { bytes throws(TensorFileError) in
            try file.write(bytes)
        }
    }

    /// Appends the next bytes of the data section, in pieces of any size.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(TensorFileError) {
        guard bytes.count <= expectedCount - writtenCount else {
            fatalError(
                "\(file.path): \(writtenCount + bytes.count) bytes were appended, the entries "
                    + "have \(expectedCount)")
        }
        checksum.update(bytes)
        try file.write(bytes)
        writtenCount += bytes.count
    }

    /// Completes the file and puts it in place of `path`; survives a power failure afterwards.
    public func finish() throws(TensorFileError) {
        guard writtenCount == expectedCount else {
            fatalError(
                "\(file.path): finished after \(writtenCount) of \(expectedCount) bytes")
        }
        SafeTensorsChecksums.fill(&header, data: checksum)
        try ByteSlice(copying: header).withUnsafeBytes { bytes throws(TensorFileError) in
            try file.rewriteStart(bytes)
        }
        try file.commit()
    }

    /// Writes tensors of other files, in one call.
    public static func write(
        _ tensors: [(name: String, tensor: TensorRecord)], to path: String,
        metadata: [String: String] = [:]
    ) throws(TensorFileError) {
        let entries = tensors.map {
            Entry(name: $0.name, elementType: $0.tensor.elementType, shape: $0.tensor.shape)
        }
        let writer = try SafeTensorsWriter(path: path, entries: entries, metadata: metadata)
        let byName = Dictionary(tensors.map { ($0.name, $0.tensor) }) { first, _ in first }
        for entry in writer.entries {
            try byName[entry.name]?.withContiguousBytes { bytes throws(TensorFileError) in
                try writer.append(bytes)
            }
        }
        try writer.finish()
    }

    /// Size field, JSON and the spaces that bring both to a multiple of 8 bytes.
    private static func makeHeader(
        _ entries: [Entry], _ metadata: [String: String], file: String
    ) throws(TensorFileError) -> [UInt8] {
        var seen: Set<String> = [SafeTensorsHeader.reservedName]
        var members = ["\(quoted(SafeTensorsHeader.reservedName)):\(object(metadata))"]
        var end = 0
        for entry in entries {
            func failure(_ problem: String) -> TensorFileError {
                TensorFileError(
                    .unwritable, file: file, place: entry.name.quotedForMessage(), problem: problem)
            }
            guard seen.insert(entry.name).inserted else {
                throw failure("is named twice, or has the name of the metadata")
            }
            guard let size = TensorRecord.byteCount(entry.elementType, entry.shape),
                case let (next, overflow) = end.addingReportingOverflow(size), !overflow,
                entry.shape.count <= 64
            else { throw failure("has an impossible shape, \(entry.shape)") }
            let shape = entry.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(quoted(entry.name)):{\"dtype\":\"\(entry.elementType.rawValue)\","
                    + "\"shape\":[\(shape)],\"data_offsets\":[\(end),\(next)]}")
            end = next
        }
        var json = Array("{\(members.joined(separator: ","))}".utf8)
        json += [UInt8](repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
        guard json.count <= SafeTensorsFile.headerLimit else {
            throw TensorFileError(
                .unwritable, file: file,
                problem: "names and metadata need \(json.count) bytes, a safetensors header has "
                    + "at most \(SafeTensorsFile.headerLimit)",
                remedy: "keep large texts in a file of their own")
        }
        return withUnsafeBytes(of: UInt64(json.count).littleEndian) { [UInt8]($0) } + json
    }

    /// The metadata sorted by key, the checksums blank.
    private static func object(_ metadata: [String: String]) -> String {
        let members = metadata.filter { !SafeTensorsChecksums.keys.contains($0.key) }
            .sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
        return "{" + (SafeTensorsChecksums.blankMembers + members).joined(separator: ",") + "}"
    }

    private static func quoted(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        guard let data = try? encoder.encode(text) else { fatalError("a text cannot be JSON") }
        return String(decoding: data, as: UTF8.self)
    }
}

/// Where a safetensors file of ours keeps its checksums.
enum SafeTensorsChecksums {
    /// CRC-32 of the data section.
    static let dataKey = "tessera.crc32.data"
    /// CRC-32 of the JSON header with zeros for the digits of both checksums.
    static let headerKey = "tessera.crc32.header"
    static let keys = [dataKey, headerKey]

    private static let blank = "00000000"

    static var blankMembers: [String] { keys.map { "\"\($0)\":\"\(blank)\"" } }

    /// Puts the checksums into a whole header, size field included.
    static func fill(_ header: inout [UInt8], data: Checksum) {
        write(data.hexadecimal, for: dataKey, in: &header)
        guard let own = ofHeader(Array(header.dropFirst(8))) else {
            fatalError("a header lacks the place of its checksum")
        }
        write(own, for: headerKey, in: &header)
    }

    /// The checksum of a header's JSON, or nil where another program has laid it out anew.
    static func ofHeader(_ json: [UInt8]) -> String? {
        var json = json
        for key in keys {
            guard write(blank, for: key, in: &json) else { return nil }
        }
        var checksum = Checksum()
        json.withUnsafeBytes { checksum.update($0) }
        return checksum.hexadecimal
    }

    /// Overwrites the eight digits after `"key":"`; quotes inside JSON texts are escaped, so the
    /// pattern cannot be part of one.
    @discardableResult
    private static func write(_ digits: String, for key: String, in bytes: inout [UInt8]) -> Bool {
        let pattern = Array("\"\(key)\":\"".utf8)
        guard let found = bytes.firstRange(of: pattern), found.upperBound + 8 <= bytes.count else {
            return false
        }
        bytes.replaceSubrange(found.upperBound..<found.upperBound + 8, with: digits.utf8)
        return true
    }
}
