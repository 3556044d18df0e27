import Glibc

/// How the numbers of two tensors of one shape differ, element by element.
///
/// Types may differ: both are compared as numbers, in double precision; integers exactly. NaN
/// equals NaN, and an infinity the same infinity.
public struct TensorDifference: Sendable, Equatable {
    /// What counts as equal: either bound is enough.
    public struct Tolerance: Sendable, Equatable {
        /// Largest |a − b|.
        public var absolute: Double
        /// Largest |a − b| / max(|a|, |b|).
        public var relative: Double

        public init(absolute: Double = 0, relative: Double = 0) {
            self.absolute = absolute
            self.relative = relative
        }
    }

    /// Elements of one tensor.
    public let count: Int
    /// Elements that are equal within the tolerance.
    public private(set) var equalCount = 0
    /// Largest |a − b| where both are finite.
    public private(set) var maxAbsolute = 0.0
    /// Largest |a − b| / max(|a|, |b|) where both are finite.
    public private(set) var maxRelative = 0.0
    /// Row-major index of the element with the largest |a − b|; nil where none differs.
    public private(set) var worstIndex: Int?
    /// Elements where one is NaN or infinite and the other is something else.
    public private(set) var nonFiniteCount = 0

    /// Compares two tensors of the same number of elements, in row-major order.
    public init(_ a: TensorRecord, _ b: TensorRecord, tolerance: Tolerance = Tolerance()) {
        guard a.count == b.count else {
            fatalError("tensors of \(a.count) and \(b.count) elements were compared")
        }
        count = a.count
        a.withContiguousBytes { first in
            b.withContiguousBytes { second in
                if a.elementType == b.elementType, Self.areSame(first, second) {
                    equalCount = count
                } else if !a.elementType.isFloatingPoint, !b.elementType.isFloatingPoint {
                    compareIntegers(a.elementType, first, b.elementType, second, tolerance)
                } else {
                    compare(a.elementType, first, b.elementType, second, tolerance)
                }
            }
        }
    }

    /// All elements are equal within the tolerance.
    public var isEqual: Bool { equalCount == count }

    /// Share of the elements that are equal within the tolerance, 0…1; 1 where there are none.
    public var equalShare: Double { count == 0 ? 1 : Double(equalCount) / Double(count) }

    private static func areSame(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> Bool {
        guard let a = first.baseAddress, let b = second.baseAddress else { return true }
        return memcmp(a, b, first.count) == 0
    }

    private mutating func compare(
        _ typeA: ElementType, _ first: UnsafeRawBufferPointer, _ typeB: ElementType,
        _ second: UnsafeRawBufferPointer, _ tolerance: Tolerance
    ) {
        let buffer = UnsafeMutableBufferPointer<Double>.allocate(capacity: 4096)
        defer { buffer.deallocate() }
        var start = 0
        while start < count {
            let size = min(2048, count - start)
            let a = UnsafeMutableBufferPointer(rebasing: buffer[..<size])
            let b = UnsafeMutableBufferPointer(rebasing: buffer[2048..<2048 + size])
            typeA.decode(first, from: start, into: a)
            typeB.decode(second, from: start, into: b)
            for index in 0..<size {
                let (x, y) = (a[index], b[index])
                if x == y || (x.isNaN && y.isNaN) {
                    equalCount += 1
                } else if x.isFinite, y.isFinite {
                    add(
                        distance: min((x - y).magnitude, .greatestFiniteMagnitude),
                        size: max(x.magnitude, y.magnitude), at: start + index, tolerance)
                } else {
                    nonFiniteCount += 1
                }
            }
            start += size
        }
    }

    private mutating func compareIntegers(
        _ typeA: ElementType, _ first: UnsafeRawBufferPointer, _ typeB: ElementType,
        _ second: UnsafeRawBufferPointer, _ tolerance: Tolerance
    ) {
        for index in 0..<count {
            let x = typeA.integer(first, at: index) ?? 0
            let y = typeB.integer(second, at: index) ?? 0
            if x == y {
                equalCount += 1
            } else {
                add(
                    distance: Double((x - y).magnitude),
                    size: Double(max(x.magnitude, y.magnitude)), at: index, tolerance)
            }
        }
    }

    private mutating func add(
        distance: Double, size: Double, at index: Int, _ tolerance: Tolerance
    ) {
        let relative = distance / size
        if distance <= tolerance.absolute || relative <= tolerance.relative { equalCount += 1 }
        if distance > maxAbsolute {
            maxAbsolute = distance
            worstIndex = index
        }
        maxRelative = max(maxRelative, relative)
    }
}
