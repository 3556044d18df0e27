/// What the numbers of a tensor are like: moments and range of the finite ones, counts of others.
///
/// Computed in double precision in one pass over the file, with the memory of a few thousand
/// elements.
public struct TensorStatistics: Sendable, Equatable {
    /// Elements in all.
    public private(set) var count = 0
    public private(set) var nanCount = 0
    /// Infinities of either sign.
    public private(set) var infinityCount = 0
    /// Zeros of either sign.
    public private(set) var zeroCount = 0
    /// Elements that are nearer to zero than the type's smallest number of full precision.
    public private(set) var subnormalCount = 0

    private var sum = RunningMoments()
    private var smallest = Double.infinity
    private var greatest = -Double.infinity
    private let leastNormal: Double?

    /// Reads all elements of `tensor`.
    public init(_ tensor: TensorRecord) {
        leastNormal = tensor.elementType.leastNormalMagnitude
        tensor.forEachPiece { add($0) }
    }

    /// Elements that are neither NaN nor infinite.
    public var finiteCount: Int { count - nanCount - infinityCount }

    /// Mean of the finite elements; nil where there are none.
    public var mean: Double? { finiteCount > 0 ? Self.finite(sum.mean) : nil }

    /// Standard deviation of the finite elements, with their number as the divisor.
    public var standardDeviation: Double? {
        finiteCount > 0 ? Self.finite((sum.squares / Double(finiteCount)).squareRoot()) : nil
    }

    /// The least finite element; nil where there is none.
    public var min: Double? { finiteCount > 0 ? smallest : nil }

    /// The greatest finite element; nil where there is none.
    public var max: Double? { finiteCount > 0 ? greatest : nil }

    /// The value of all elements, where they are finite and the same.
    public var constant: Double? {
        count > 0 && finiteCount == count && smallest == greatest ? smallest : nil
    }

    /// Doubles near the end of their range have sums beyond it.
    private static func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }

    private mutating func add(_ values: UnsafeMutableBufferPointer<Double>) {
        count += values.count
        var kept = values.count
        if !Self.areFinite(values) {
            kept = 0
            for value in values {
                if value.isNaN {
                    nanCount += 1
                } else if value.isInfinite {
                    infinityCount += 1
                } else {
                    values[kept] = value
                    kept += 1
                }
            }
        }
        addFinite(UnsafeBufferPointer(rebasing: values[..<kept]))
    }

    private static func areFinite(_ values: UnsafeMutableBufferPointer<Double>) -> Bool {
        // A finite number less itself is zero; anything else is NaN, and stays it in sums.
        var differences = SIMD8<Double>.zero
        let bytes = UnsafeRawBufferPointer(values)
        let whole = values.count / 8 * 8
        for index in stride(from: 0, to: whole, by: 8) {
            let x = bytes.loadUnaligned(fromByteOffset: index * 8, as: SIMD8<Double>.self)
            differences += x - x
        }
        return differences.sum() == 0 && values[whole...].allSatisfy(\.isFinite)
    }

    private mutating func addFinite(_ values: UnsafeBufferPointer<Double>) {
        guard !values.isEmpty else { return }
        typealias Lanes = SIMD8<Double>
        var total = Lanes.zero
        var low = Lanes(repeating: .infinity)
        var high = -low
        var zeros = SIMD8<Int64>.zero
        var small = SIMD8<Int64>.zero
        let limit = leastNormal ?? 0
        let whole = values.count / 8 * 8
        let bytes = UnsafeRawBufferPointer(values)
        func lanes(_ index: Int) -> Lanes {
            bytes.loadUnaligned(fromByteOffset: index * 8, as: Lanes.self)
        }
        for index in stride(from: 0, to: whole, by: 8) {
            let x = lanes(index)
            total += x
            low = low.replacing(with: x, where: x .< low)
            high = high.replacing(with: x, where: x .> high)
            zeros &+= SIMD8<Int64>.zero.replacing(with: 1, where: x .== 0)
            small &+= SIMD8<Int64>.zero.replacing(with: 1, where: (x .< limit) .& (x .> -limit))
        }
        var totalOfPiece = total.sum()
        var zeroSum = Int(zeros.wrappedSum())
        var smallSum = Int(small.wrappedSum())
        smallest = Swift.min(smallest, low.min())
        greatest = Swift.max(greatest, high.max())
        for x in values[whole...] {
            totalOfPiece += x
            smallest = Swift.min(smallest, x)
            greatest = Swift.max(greatest, x)
            if x == 0 { zeroSum += 1 }
            if x.magnitude < limit { smallSum += 1 }
        }
        zeroCount += zeroSum
        // Zeros are below the limit too, where there is one.
        if leastNormal != nil { subnormalCount += smallSum - zeroSum }

        let mean = totalOfPiece / Double(values.count)
        var squares = Lanes.zero
        for index in stride(from: 0, to: whole, by: 8) {
            let offset = lanes(index) - mean
            squares += offset * offset
        }
        var squareSum = squares.sum()
        for x in values[whole...] { squareSum += (x - mean) * (x - mean) }
        sum.add(count: values.count, mean: mean, squares: squareSum)
    }
}

/// Mean and sum of squared deviations, joined piece by piece without cancellation.
private struct RunningMoments: Sendable, Equatable {
    var count = 0
    var mean = 0.0
    var squares = 0.0

    mutating func add(count added: Int, mean other: Double, squares otherSquares: Double) {
        let total = Double(count + added)
        let distance = other - mean
        squares += otherSquares + distance * distance * Double(count) * Double(added) / total
        mean += distance * Double(added) / total
        count += added
    }
}

extension TensorRecord {
    /// Indices along the first dimension whose elements are all zero; empty below two dimensions.
    ///
    /// In a weight that PyTorch saved these are units that give nothing, whatever comes in.
    public func zeroRows() -> [Int] {
        guard shape.count >= 2, count > 0 else { return [] }
        let rowCount = count / shape[0]
        let size = elementType.byteCount
        return withContiguousBytes { bytes in
            (0..<shape[0]).filter { row in
                (row * rowCount..<(row + 1) * rowCount).allSatisfy {
                    elementType.double(in: bytes, at: $0 * size) == 0
                }
            }
        }
    }
}
