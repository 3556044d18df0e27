/// A Faiss index that holds its vectors as they are (`IndexFlatL2`, `IndexFlatIP`), mapped.
///
/// k-means codebooks of MaPeT are stored so, under names that end in `.npy`. All numbers have their
/// lowest byte first: "IxF2" or "IxFI", int32 length d of a vector, int64 count n, two unused int64,
/// a byte that says whether the index is trained, int32 metric, uint64 n · d, then the elements.
public struct FaissIndexFile: Sendable {
    /// How the index compares vectors.
    public enum Metric: Int32, Sendable {
        case innerProduct = 0
        case euclidean = 1
    }

    public let path: String
    public let metric: Metric
    /// `[n, d]` in fp32.
    public let vectors: TensorRecord

    private static let headerSize = 45
    private static let magics: [Metric: [UInt8]] = [
        .euclidean: Array("IxF2".utf8), .innerProduct: Array("IxFI".utf8),
    ]

    public init(path: String) throws(TensorFileError) {
        try self.init(path: path, contents: ByteSlice(mapping: path))
    }

    /// Reads `contents` as the file that messages call `path`.
    package init(path: String, contents: ByteSlice) throws(TensorFileError) {
        func failure(_ kind: TensorFileError.Kind, _ problem: String) -> TensorFileError {
            TensorFileError(
                kind, file: path, problem: problem,
                remedy: "write it again with faiss.write_index, from a flat index")
        }
        guard let header = contents.slice(at: 0, count: Self.headerSize)?.array else {
            throw failure(.truncated, "has \(contents.count) bytes, a Faiss index has 45 at least")
        }
        guard let kind = Self.magics.first(where: { header.starts(with: $0.value) })?.key else {
            throw failure(
                .unsupported, "does not start with IxF2 or IxFI, as flat Faiss indices do")
        }
        func number(_ start: Int, _ count: Int) -> UInt64 {
            header[start..<start + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        let (width, rows, count) = (number(4, 4), number(8, 8), number(37, 8))
        guard let metric = Metric(rawValue: Int32(truncatingIfNeeded: number(33, 4))),
            metric == kind
        else { throw failure(.malformed, "has metric \(number(33, 4)), expected \(kind.rawValue)") }
        let (product, overflows) = width.multipliedReportingOverflow(by: rows)
        guard !overflows, product == count, let width = Int(exactly: width),
            let rows = Int(exactly: rows), let elements = Int(exactly: count)
        else {
            throw failure(
                .malformed, "has \(count) elements, expected \(rows) vectors of \(width)")
        }
        let (bytes, isTooLong) = elements.multipliedReportingOverflow(by: 4)
        guard !isTooLong, let data = contents.slice(at: Self.headerSize, count: bytes),
            let vectors = TensorRecord(.float32, shape: [rows, width], contiguous: data)
        else {
            throw failure(
                .truncated,
                "has \(contents.count - Self.headerSize) bytes for \(rows) vectors of \(width)")
        }
        (self.path, self.metric, self.vectors) = (path, metric, vectors)
    }

    /// Writes vectors as an index, a file that appears whole or not at all.
    ///
    /// - Parameters:
    ///   - vectors: n · d elements, vector by vector.
    ///   - width: d.
    ///   - metric: how the index compares them.
    ///   - path: replaced if it exists.
    /// - Throws: `TensorFileError` where the file cannot be written; the old one is then intact.
    public static func write(
        _ vectors: [Float], width: Int, metric: Metric = .euclidean, to path: String
    ) throws(TensorFileError) {
        precondition(width > 0 && vectors.count % width == 0, "vectors of \(width) elements")
        var header = magics[metric] ?? []
        func append(_ value: Int, _ count: Int) {
            for byte in 0..<count { header.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
        }
        append(width, 4)
        append(vectors.count / width, 8)
        // Faiss writes these two and reads nothing of them.
        append(1 << 20, 8)
        append(1 << 20, 8)
        append(1, 1)
        append(Int(metric.rawValue), 4)
        append(vectors.count, 8)
        var bytes = header
        bytes.reserveCapacity(header.count + 4 * vectors.count)
        for value in vectors {
            let bits = value.bitPattern
            for byte in 0..<4 {
                bytes.append(UInt8(truncatingIfNeeded: bits >> (8 * UInt32(byte))))
            }
        }
        let file = try AtomicFile(path: path)
        try ByteSlice(copying: bytes).withUnsafeBytes { bytes throws(TensorFileError) in
            try file.write(bytes)
        }
        try file.commit()
    }
}
