/// A safetensors file, mapped: a JSON header, then the tensors' bytes without gaps.
///
/// Layout: 8 bytes N (little-endian), N bytes of JSON, the data section. Everything is checked
/// when the file is opened: sizes, types, shapes, and that the tensors cover the data section
/// exactly once.
public final class SafeTensorsFile: Sendable {
    public let path: String
    /// Names in the order of the data.
    public let names: [String]
    /// The text entries of the header's `__metadata__`.
    public let metadata: [String: String]

    private let tensors: [String: TensorRecord]
    private let header: ByteSlice
    private let data: ByteSlice

    /// Largest header that is accepted, as in other readers.
    public static let headerLimit = 100_000_000

    public convenience init(path: String) throws(TensorFileError) {
        try self.init(path: path, contents: ByteSlice(mapping: path))
    }

    /// Reads `contents` as the file that messages call `path`.
    package init(path: String, contents: ByteSlice) throws(TensorFileError) {
        guard let sizeField = contents.slice(at: 0, count: 8) else {
            throw TensorFileError(
                .truncated, file: path,
                problem: "has \(contents.count) bytes, a safetensors file has at least 8",
                remedy: "fetch or save it again")
        }
        let headerSize = sizeField.withUnsafeBytes {
            UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self))
        }
        guard headerSize <= UInt64(Self.headerLimit) else {
            throw TensorFileError(
                .malformed, file: path, place: "header",
                problem: "claims \(headerSize) bytes, at most \(Self.headerLimit) are allowed",
                remedy: "this is probably no safetensors file")
        }
        guard let header = contents.slice(at: 8, count: Int(headerSize)),
            let data = contents.slice(
                at: 8 + header.count, count: contents.count - 8 - header.count)
        else {
            throw TensorFileError(
                .truncated, file: path, place: "header",
                problem: "claims \(headerSize) bytes, the file has \(contents.count - 8) left",
                remedy: "fetch or save it again")
        }
        let entries = try SafeTensorsHeader(header, file: path)

        self.path = path
        self.header = header
        self.data = data
        metadata = entries.metadata
        names = entries.tensors.map(\.name)
        tensors = try Self.place(entries.tensors, in: data, file: path)
    }

    /// Gives each entry its bytes; the entries are sorted by their start.
    private static func place(
        _ entries: [SafeTensorsHeader.Entry], in data: ByteSlice, file: String
    ) throws(TensorFileError) -> [String: TensorRecord] {
        var tensors: [String: TensorRecord] = [:]
        var end = 0
        for entry in entries {
            func failure(_ kind: TensorFileError.Kind, _ problem: String) -> TensorFileError {
                TensorFileError(
                    kind, file: file, place: entry.name.quotedForMessage(), problem: problem,
                    remedy: "fetch or save it again")
            }
            guard let size = TensorRecord.byteCount(entry.elementType, entry.shape) else {
                throw failure(.malformed, "shape \(entry.shape) is too large or negative")
            }
            guard entry.begin == end else {
                throw failure(
                    .malformed,
                    "starts at byte \(entry.begin) of the data, expected \(end): "
                        + (entry.begin < end ? "tensors overlap" : "unused bytes"))
            }
            guard entry.end >= entry.begin, entry.end - entry.begin == size else {
                throw failure(
                    .malformed,
                    "has bytes \(entry.begin)..<\(entry.end), \(entry.elementType.rawValue) "
                        + "\(entry.shape) needs \(size)")
            }
            guard let bytes = data.slice(at: entry.begin, count: size),
                let tensor = TensorRecord(
                    entry.elementType, shape: entry.shape, contiguous: bytes)
            else {
                throw failure(
                    .truncated, "ends at byte \(entry.end) of the data, which has \(data.count)")
            }
            tensors[entry.name] = tensor
            end = entry.end
        }
        guard end == data.count else {
            throw TensorFileError(
                .malformed, file: file, place: "data",
                problem: "has \(data.count) bytes, the tensors use \(end)",
                remedy: "fetch or save it again")
        }
        return tensors
    }

    /// The tensor called `name`, or nil.
    public subscript(name: String) -> TensorRecord? { tensors[name] }

    /// The tensor called `name`; throws where there is none.
    public func tensor(_ name: String) throws(TensorFileError) -> TensorRecord {
        guard let tensor = tensors[name] else {
            throw TensorFileError(
                .missingKey, file: path, place: name.quotedForMessage(),
                problem: "is not in the file, which has \(names.count) tensors")
        }
        return tensor
    }

    /// The bytes of the tensor called `name`; valid while this file object lives.
    public func bytes(of name: String) throws(TensorFileError) -> UnsafeRawBufferPointer {
        try tensor(name).storage.unsafeBytes
    }

    /// Recomputes the checksums that `SafeTensorsWriter` keeps in the metadata.
    ///
    /// - Returns: false where the file carries none (another program wrote it).
    /// - Throws: kind `checksum` where the content has changed since it was written.
    @discardableResult
    public func verify() throws(TensorFileError) -> Bool {
        let recorded = SafeTensorsChecksums.keys.compactMap { metadata[$0] }
        guard !recorded.isEmpty else { return false }
        guard recorded.count == 2 else {
            throw damaged("header", "has one of its two checksums")
        }
        // Another program may have laid the header out anew, which is no damage.
        if let found = SafeTensorsChecksums.ofHeader(header.array) {
            try check(found, recorded[1], place: "header")
        }
        var found = Checksum()
        found.update(data.unsafeBytes)
        try check(found.hexadecimal, recorded[0], place: "data")
        return true
    }

    private func check(
        _ found: String, _ expected: String, place: String
    ) throws(TensorFileError) {
        guard found == expected else {
            throw damaged(
                place, "has checksum \(found), \(expected.quotedForMessage()) was recorded")
        }
    }

    private func damaged(_ place: String, _ problem: String) -> TensorFileError {
        TensorFileError(
            .checksum, file: path, place: place, problem: problem,
            remedy: "the file was changed after it was written: use an earlier checkpoint")
    }
}
