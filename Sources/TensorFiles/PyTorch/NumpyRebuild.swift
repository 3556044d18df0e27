/// NumPy's name of an element type: `<f4`, `|b1`, `>i8`.
struct NumpyType {
    let elementType: ElementType
    var isBigEndian: Bool

    init?(_ name: String) {
        var code = Substring(name)
        isBigEndian = code.first == ">"
        if let first = code.first, "<>|=".contains(first) { code.removeFirst() }
        switch code {
        case "b1", "?": elementType = .bool
        case "u1": elementType = .uint8
        case "u2": elementType = .uint16
        case "u4": elementType = .uint32
        case "u8": elementType = .uint64
        case "i1": elementType = .int8
        case "i2": elementType = .int16
        case "i4": elementType = .int32
        case "i8": elementType = .int64
        case "f2": elementType = .float16
        case "f4": elementType = .float32
        case "f8": elementType = .float64
        default: return nil
        }
    }
}

// NumPy's scalars and arrays in a pickle.
extension TensorRebuild {
    mutating func numpyValue(_ call: Call) throws(TensorFileError) -> PickleNode? {
        let arguments = call.arguments
        switch (call.function.module, call.function.name, arguments.count) {
        case ("numpy.core.multiarray", "scalar", 2), ("numpy._core.multiarray", "scalar", 2):
            return numpyScalar(type: arguments[0], value: arguments[1])
        case ("numpy.core.multiarray", "_reconstruct", 3),
            ("numpy._core.multiarray", "_reconstruct", 3):
            // The state is (version, shape, type, column order, bytes).
            guard let state = call.state.flatMap({ store.tuple($0) }), state.count == 5,
                let shape = store.ints(state[1]), case .bool(let isColumnOrder) = store[state[3]]
            else { return nil }
            return try numpyArray(
                type: state[2], shape, isColumnOrder: isColumnOrder, bytes: state[4])
        case ("numpy.core.numeric", "_frombuffer", 4), ("numpy._core.numeric", "_frombuffer", 4):
            guard let shape = store.ints(arguments[2]), let order = store.string(arguments[3])
            else { return nil }
            return try numpyArray(
                type: arguments[1], shape, isColumnOrder: order == "F", bytes: arguments[0])
        default: return nil
        }
    }

    private mutating func numpyScalar(type: NodeID, value: NodeID) -> PickleNode? {
        guard let type = numpyType(type), let bytes = bytes(value),
            let tensor = try? TensorRecord(
                type.elementType, shape: [], strides: [], storage: bytes,
                isBigEndian: type.isBigEndian)
        else { return nil }
        return tensor.withContiguousBytes { raw in
            switch type.elementType {
            case .bool: .bool(raw[0] != 0)
            case .int64: .int(Int(Int64(littleEndian: raw.loadUnaligned(as: Int64.self))))
            case .uint64:
                Int(exactly: UInt64(littleEndian: raw.loadUnaligned(as: UInt64.self)))
                    .map { .int($0) }
            case let other where other.isFloatingPoint: .double(other.double(in: raw, at: 0))
            case let other: .int(Int(other.double(in: raw, at: 0)))
            }
        }
    }

    private mutating func numpyArray(
        type: NodeID, _ shape: [Int], isColumnOrder: Bool, bytes: NodeID
    ) throws(TensorFileError) -> PickleNode? {
        guard let type = numpyType(type) else {
            return store.refused("is a NumPy array whose elements are not numbers")
        }
        guard let bytes = self.bytes(bytes) else { return nil }
        guard TensorRecord.byteCount(type.elementType, shape) == bytes.count else {
            throw failure("has an array of shape \(shape) over \(bytes.count) bytes", nil)
        }
        let strides =
            isColumnOrder
            ? TensorRecord.contiguousStrides(shape.reversed()).reversed()
            : TensorRecord.contiguousStrides(shape)
        return try record(
            type.elementType, shape, strides, 0, bytes, isBigEndian: type.isBigEndian, key: nil)
    }

    /// `numpy.dtype(name, …)` with its state `(version, byte order, …)`.
    private func numpyType(_ id: NodeID) -> NumpyType? {
        guard let object = store.object(id),
            store.global(object.callable) == PickleGlobal(module: "numpy", name: "dtype"),
            let name = store.tuple(object.arguments)?.first.flatMap({ store.string($0) }),
            var type = NumpyType(name)
        else { return nil }
        if let state = object.state.flatMap({ store.tuple($0) }), state.count >= 2,
            let order = store.string(state[1])
        {
            type.isBigEndian = order == ">"
        }
        return type
    }
}
