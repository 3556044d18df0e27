extension TensorRecord {
    /// The elements follow one another without gaps in row-major order, lowest byte first.
    public var isContiguous: Bool { !isBigEndian && runLength.dimensions == shape.count }

    /// Calls `body` with the elements in row-major order; copies only where the file has gaps.
    public func withContiguousBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        if isContiguous {
            if count == 0 { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
            let start = storageOffset * elementType.byteCount
            return try storage.withUnsafeBytes { bytes throws(E) in
                try body(UnsafeRawBufferPointer(rebasing: bytes[start..<start + byteCount]))
            }
        }
        let copy = ByteSlice(ByteStorage(count: byteCount) { copyContiguous(into: $0) })
        return try copy.withUnsafeBytes(body)
    }

    /// The elements in row-major order.
    public func contiguousBytes() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initialized in
            copyContiguous(
                into: UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[..<byteCount]))
            initialized = byteCount
        }
    }

    /// Writes the elements in row-major order, lowest byte first.
    ///
    /// - Parameter target: exactly `byteCount` bytes.
    public func copyContiguous(into target: UnsafeMutableRawBufferPointer) {
        guard target.count == byteCount else {
            fatalError("a tensor of \(byteCount) bytes was copied into \(target.count)")
        }
        guard count > 0 else { return }
        let size = elementType.byteCount
        let run = runLength
        let outer = Array(shape.dropLast(run.dimensions))
        storage.withUnsafeBytes { source in
            var index = [Int](repeating: 0, count: outer.count)
            var from = storageOffset
            var to = 0
            while true {
                let piece = source[(from * size)..<((from + run.elements) * size)]
                UnsafeMutableRawBufferPointer(rebasing: target[to...]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: piece))
                to += piece.count
                // The odometer over the dimensions outside a run, the last turning fastest.
                var d = outer.count - 1
                while d >= 0 {
                    index[d] += 1
                    // Never beyond the last element: the stride of a dimension of one may be
                    // anything.
                    if index[d] < outer[d] {
                        from += strides[d]
                        break
                    }
                    from -= strides[d] * (outer[d] - 1)
                    index[d] = 0
                    d -= 1
                }
                if d < 0 { break }
            }
        }
        if isBigEndian { Self.reverseEachElement(of: target, size: size) }
    }

    /// The elements in row-major order as doubles (64-bit integers may round).
    public func doubles() -> [Double] {
        withContiguousBytes { bytes in
            if elementType == .float32 {
                return (0..<count).map {
                    Double(bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self))
                }
            }
            return (0..<count).map { elementType.double(in: bytes, at: $0 * elementType.byteCount) }
        }
    }

    /// The single value of a tensor of one element.
    public var scalar: Double? { count == 1 ? doubles()[0] : nil }

    /// How many trailing dimensions, and with them elements, lie without gaps.
    private var runLength: (dimensions: Int, elements: Int) {
        var elements = 1
        for (done, d) in shape.indices.reversed().enumerated() {
            guard shape[d] == 1 || strides[d] == elements else { return (done, elements) }
            elements *= shape[d]
        }
        return (shape.count, elements)
    }

    private static func reverseEachElement(of bytes: UnsafeMutableRawBufferPointer, size: Int) {
        for start in stride(from: 0, to: bytes.count, by: size) {
            for i in 0..<size / 2 { bytes.swapAt(start + i, start + size - 1 - i) }
        }
    }
}

extension TensorRecord: CustomStringConvertible {
    /// `float32 [12, 3, 16, 16]`.
    public var description: String { "\(elementType.torchName) \(shape)" }
}
