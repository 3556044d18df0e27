/// A `.npy` file: one array of numbers, mapped.
///
/// Layout (NumPy enhancement proposal 1): magic, version, the size of the header, the header as a
/// Python dictionary of three entries, the elements.
public struct NumpyFile: Sendable {
    public let path: String
    public let tensor: TensorRecord

    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    private static let headerLimit = 1 << 16

    public init(path: String) throws(TensorFileError) {
        try self.init(path: path, contents: ByteSlice(mapping: path))
    }

    static func isNumpy(_ contents: ByteSlice) -> Bool {
        contents.slice(at: 0, count: 6)?.array == magic
    }

    /// Reads `contents` as the file that messages call `path`.
    package init(path: String, contents: ByteSlice) throws(TensorFileError) {
        func failure(_ kind: TensorFileError.Kind, _ problem: String) -> TensorFileError {
            TensorFileError(
                kind, file: path, problem: problem, remedy: "save it again with numpy.save")
        }
        guard Self.isNumpy(contents), let start = contents.slice(at: 0, count: 12)?.array else {
            throw failure(.malformed, "does not start as a .npy file")
        }
        // Version 1 writes the size in 2 bytes, later ones in 4.
        let sizeBytes = start[6] == 1 ? 2 : 4
        guard (1...3).contains(start[6]) else {
            throw failure(.unsupported, "has version \(start[6]) of the form, known are 1 to 3")
        }
        let size = start[8..<(8 + sizeBytes)].reversed().reduce(0) { $0 << 8 | Int($1) }
        let dataStart = 8 + sizeBytes + size
        guard size <= Self.headerLimit,
            let header = contents.slice(at: 8 + sizeBytes, count: size)?.array,
            let data = contents.slice(at: dataStart, count: contents.count - dataStart)
        else { throw failure(.truncated, "ends inside its header") }
        guard let fields = Fields(String(decoding: header, as: UTF8.self)) else {
            throw failure(.malformed, "has a header without descr, fortran_order or shape")
        }
        guard let type = NumpyType(fields.type) else {
            throw failure(
                .unsupported,
                "has elements of type \(fields.type.quotedForMessage()), which are no numbers")
        }
        guard let bytes = TensorRecord.byteCount(type.elementType, fields.shape),
            bytes <= data.count
        else {
            throw failure(.truncated, "has \(data.count) bytes for shape \(fields.shape)")
        }
        let strides =
            fields.isColumnOrder
            ? TensorRecord.contiguousStrides(fields.shape.reversed()).reversed()
            : TensorRecord.contiguousStrides(fields.shape)
        self.path = path
        do throws(TensorRecord.Misfit) {
            tensor = try TensorRecord(
                type.elementType, shape: fields.shape, strides: strides, storage: data,
                isBigEndian: type.isBigEndian)
        } catch { throw failure(.malformed, error.reason) }
    }

    /// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
    private struct Fields {
        let type: String
        let isColumnOrder: Bool
        let shape: [Int]

        init?(_ header: String) {
            func value(_ key: String) -> Substring? {
                let pattern = "'\(key)':"
                guard let found = header.firstRange(of: pattern) else { return nil }
                return header[found.upperBound...].drop { $0 == " " }
            }
            guard let type = value("descr"), type.first == "'",
                let order = value("fortran_order"), let shape = value("shape"),
                shape.first == "(", let close = shape.firstIndex(of: ")")
            else { return nil }
            self.type = String(type.dropFirst().prefix { $0 != "'" })
            isColumnOrder = order.hasPrefix("True")
            guard isColumnOrder || order.hasPrefix("False") else { return nil }
            let sizes = shape[..<close].dropFirst().split(separator: ",")
                .map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
            self.shape = sizes.compactMap { Int($0) }
            guard self.shape.count == sizes.count else { return nil }
        }
    }
}
