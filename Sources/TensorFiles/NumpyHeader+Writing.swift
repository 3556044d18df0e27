extension NumpyHeader {
    /// The start of a `.npy` file (version 1) of numbers in row order, lowest byte first.
    ///
    /// Its length is a multiple of 64 bytes, as NumPy writes it.
    ///
    /// - Parameters:
    ///   - elementType: one that NumPy has: no bfloat16 and no 8-bit floats.
    ///   - shape: of the array whose elements are to follow.
    /// - Returns: magic, version, size and dictionary.
    package static func bytes(_ elementType: ElementType, shape: [Int]) -> [UInt8] {
        let sizes = shape.map(String.init).joined(separator: ", ")
        let tuple = shape.count == 1 ? "(\(sizes),)" : "(\(sizes))"
        var text = Array(
            "{'descr': '\(name(of: elementType))', 'fortran_order': False, 'shape': \(tuple), }"
                .utf8)
        let start = magic.count + 4
        let end = (start + text.count + 1 + 63) / 64 * 64
        text += [UInt8](repeating: UInt8(ascii: " "), count: end - start - text.count - 1)
        text.append(UInt8(ascii: "\n"))
        var bytes = magic
        bytes += [1, 0, UInt8(text.count & 0xFF), UInt8(text.count >> 8)]
        return bytes + text
    }

    private static func name(of elementType: ElementType) -> String {
        switch elementType {
        case .bool: "|b1"
        case .uint8: "|u1"
        case .int8: "|i1"
        case .uint16: "<u2"
        case .int16: "<i2"
        case .uint32: "<u4"
        case .int32: "<i4"
        case .uint64: "<u8"
        case .int64: "<i8"
        case .float16: "<f2"
        case .float32: "<f4"
        case .float64: "<f8"
        case .bfloat16, .float8e4m3, .float8e5m2, .float8e8m0:
            fatalError("NumPy has no \(elementType.torchName)")
        }
    }
}
