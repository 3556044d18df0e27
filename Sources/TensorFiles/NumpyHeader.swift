/// What a `.npy` file says of its array in front of the elements.
///
/// Layout (NumPy enhancement proposal 1): magic, version, the size of the header, the header as a
/// Python dictionary of three entries. Nothing is said of whether all elements are there.
package struct NumpyHeader: Sendable {
    package let elementType: ElementType
    package let isBigEndian: Bool
    /// The first index turns fastest (`fortran_order`).
    package let isColumnOrder: Bool
    package let shape: [Int]
    /// Where the elements begin.
    package let dataStart: Int

    package static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    private static let headerLimit = 1 << 16

    /// Reads the header of `contents`, a file that messages call `path`.
    package init(path: String, contents: UnsafeRawBufferPointer) throws(TensorFileError) {
        func failure(_ kind: TensorFileError.Kind, _ problem: String) -> TensorFileError {
            TensorFileError(
                kind, file: path, problem: problem, remedy: "save it again with numpy.save")
        }
        guard contents.starts(with: Self.magic) else {
            throw failure(.malformed, "does not start as a .npy file")
        }
        guard contents.count >= 12 else { throw failure(.truncated, "ends inside its header") }
        // Version 1 writes the size in 2 bytes, later ones in 4.
        let version = contents[6]
        let sizeBytes = version == 1 ? 2 : 4
        guard (1...3).contains(version) else {
            throw failure(.unsupported, "has version \(version) of the form, known are 1 to 3")
        }
        let size = contents[8..<(8 + sizeBytes)].reversed().reduce(0) { $0 << 8 | Int($1) }
        let start = 8 + sizeBytes
        guard size <= Self.headerLimit, size <= contents.count - start else {
            throw failure(.truncated, "ends inside its header")
        }
        let text = String(decoding: contents[start..<start + size], as: UTF8.self)
        guard let fields = Fields(text) else {
            throw failure(.malformed, "has a header without descr, fortran_order or shape")
        }
        guard let type = NumpyType(fields.type) else {
            throw failure(
                .unsupported,
                "has elements of type \(fields.type.quotedForMessage()), which are no numbers")
        }
        (elementType, isBigEndian) = (type.elementType, type.isBigEndian)
        (isColumnOrder, shape) = (fields.isColumnOrder, fields.shape)
        dataStart = start + size
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
