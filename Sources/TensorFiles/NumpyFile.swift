/// A `.npy` file: one array of numbers, mapped.
///
/// Behind the header (see `NumpyHeader`) lie the elements without gaps.
public struct NumpyFile: Sendable {
    public let path: String
    public let tensor: TensorRecord

    public init(path: String) throws(TensorFileError) {
        try self.init(path: path, contents: ByteSlice(mapping: path))
    }

    static func isNumpy(_ contents: ByteSlice) -> Bool {
        contents.unsafeBytes.starts(with: NumpyHeader.magic)
    }

    /// Reads `contents` as the file that messages call `path`.
    package init(path: String, contents: ByteSlice) throws(TensorFileError) {
        func failure(_ kind: TensorFileError.Kind, _ problem: String) -> TensorFileError {
            TensorFileError(
                kind, file: path, problem: problem, remedy: "save it again with numpy.save")
        }
        let header = try contents.withUnsafeBytes { bytes throws(TensorFileError) in
            try NumpyHeader(path: path, contents: bytes)
        }
        let shape = header.shape
        guard
            let data = contents.slice(
                at: header.dataStart, count: contents.count - header.dataStart),
            let bytes = TensorRecord.byteCount(header.elementType, shape), bytes <= data.count
        else {
            throw failure(
                .truncated, "has \(contents.count - header.dataStart) bytes for shape \(shape)")
        }
        let strides =
            header.isColumnOrder
            ? TensorRecord.contiguousStrides(shape.reversed()).reversed()
            : TensorRecord.contiguousStrides(shape)
        self.path = path
        do throws(TensorRecord.Misfit) {
            tensor = try TensorRecord(
                header.elementType, shape: shape, strides: strides, storage: data,
                isBigEndian: header.isBigEndian)
        } catch { throw failure(.malformed, error.reason) }
    }
}
