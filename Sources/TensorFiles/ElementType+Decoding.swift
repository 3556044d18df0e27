extension ElementType {
    /// Smallest magnitude with full precision; nil for types that have no smaller ones.
    public var leastNormalMagnitude: Double? {
        switch self {
        case .float16, .float8e5m2: Double(Float16.leastNormalMagnitude)
        case .bfloat16, .float32: Double(Float.leastNormalMagnitude)
        case .float64: Double.leastNormalMagnitude
        case .float8e4m3: 0x1p-6
        default: nil
        }
    }

    /// Writes elements as doubles (64-bit integers may round).
    ///
    /// `bytes` are elements without gaps, lowest byte first; the first one that is taken has index
    /// `start`, and as many follow as `target` has room for.
    func decode(
        _ bytes: UnsafeRawBufferPointer, from start: Int,
        into target: UnsafeMutableBufferPointer<Double>
    ) {
        // The switch stands outside of the loops, which the compiler then turns into vectors.
        switch self {
        case .uint8: Self.fill(target, bytes, start) { (x: UInt8) in Double(x) }
        case .int8: Self.fill(target, bytes, start) { (x: UInt8) in Double(Int8(bitPattern: x)) }
        case .uint16: Self.fill(target, bytes, start) { (x: UInt16) in Double(x) }
        case .int16: Self.fill(target, bytes, start) { (x: UInt16) in Double(Int16(bitPattern: x)) }
        case .uint32: Self.fill(target, bytes, start) { (x: UInt32) in Double(x) }
        case .int32: Self.fill(target, bytes, start) { (x: UInt32) in Double(Int32(bitPattern: x)) }
        case .uint64: Self.fill(target, bytes, start) { (x: UInt64) in Double(x) }
        case .int64: Self.fill(target, bytes, start) { (x: UInt64) in Double(Int64(bitPattern: x)) }
        case .float16:
            Self.fill(target, bytes, start) { (x: UInt16) in Double(Float16(bitPattern: x)) }
        case .bfloat16:
            Self.fill(target, bytes, start) { (x: UInt16) in
                Double(Float(bitPattern: UInt32(x) << 16))
            }
        case .float32:
            Self.fill(target, bytes, start) { (x: UInt32) in Double(Float(bitPattern: x)) }
        case .float64: Self.fill(target, bytes, start) { (x: UInt64) in Double(bitPattern: x) }
        case .bool, .float8e4m3, .float8e5m2, .float8e8m0:
            for index in target.indices {
                target[index] = double(in: bytes, at: (start + index) * byteCount)
            }
        }
    }

    @inline(__always)
    private static func fill<Bits: FixedWidthInteger>(
        _ target: UnsafeMutableBufferPointer<Double>, _ bytes: UnsafeRawBufferPointer,
        _ start: Int, _ number: (Bits) -> Double
    ) {
        let size = Bits.bitWidth / 8
        for index in target.indices {
            let bits = bytes.loadUnaligned(fromByteOffset: (start + index) * size, as: Bits.self)
            target[index] = number(Bits(littleEndian: bits))
        }
    }

    /// The element at an index, exactly; nil for types with fractions.
    func integer(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Int128? {
        switch self {
        case .uint64:
            Int128(
                UInt64(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)))
        case .int64:
            Int128(
                Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: Int64.self)))
        case let other where other.isFloatingPoint: nil
        default: Int128(double(in: bytes, at: index * byteCount))
        }
    }
}

extension TensorRecord {
    /// Calls `body` with the elements in row-major order as doubles, piece by piece.
    ///
    /// 64-bit integers may round. The memory beside the file is that of a piece, and of a copy of
    /// the tensor where its elements do not lie one behind the other.
    ///
    /// - Parameters:
    ///   - pieceCount: elements of a piece at most; the default fits the fastest cache.
    ///   - body: gets the elements, which it may overwrite.
    /// - Throws: what `body` throws.
    public func forEachPiece<E: Error>(
        of pieceCount: Int = 2048,
        _ body: (UnsafeMutableBufferPointer<Double>) throws(E) -> Void
    ) throws(E) {
        let buffer = UnsafeMutableBufferPointer<Double>.allocate(
            capacity: max(1, min(pieceCount, count)))
        defer { buffer.deallocate() }
        try withContiguousBytes { bytes throws(E) in
            var start = 0
            while start < count {
                let piece = UnsafeMutableBufferPointer(
                    rebasing: buffer[..<min(buffer.count, count - start)])
                elementType.decode(bytes, from: start, into: piece)
                try body(piece)
                start += piece.count
            }
        }
    }
}
