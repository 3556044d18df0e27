import Testing
import Torch

/// An array of numbers computed with by plain loops: what the operators are compared with.
struct Naive {
    let shape: [Int]
    var values: [Double]

    init(_ shape: [Int], _ value: ([Int]) -> Double) {
        self.shape = shape
        values = Naive.indices(of: shape).map(value)
    }

    init(_ shape: [Int], values: [Double]) {
        self.shape = shape
        self.values = values
    }

    /// Repeatable numbers in [-2, 2), none of them near zero.
    init(random shape: [Int], seed: UInt64 = 0) {
        var source = Draws(seed: seed &+ UInt64(shape.reduce(7) { $0 &* 31 &+ $1 }))
        self.init(shape) { _ in
            let draw = source.next() * 4 - 2
            return Swift.abs(draw) < 0.05 ? draw + 0.5 : draw
        }
    }

    var tensor: Tensor { Tensor(values, shape: shape) }

    /// The element at an index; dimensions of length 1 and missing leading ones are broadcast.
    subscript(_ index: [Int]) -> Double {
        let own = index.suffix(shape.count)
        var position = 0
        for (length, i) in zip(shape, own) { position = position * length + (length == 1 ? 0 : i) }
        return values[position]
    }

    func map(_ body: (Double) -> Double) -> Naive {
        Naive(shape, values: values.map(body))
    }

    /// Both broadcast to one shape.
    func with(_ other: Naive, _ body: (Double, Double) -> Double) -> Naive {
        let rank = Swift.max(shape.count, other.shape.count)
        func padded(_ shape: [Int]) -> [Int] {
            [Int](repeating: 1, count: rank - shape.count) + shape
        }
        let common = zip(padded(shape), padded(other.shape)).map { $0 == 1 ? $1 : $0 }
        return Naive(common) { body(self[$0], other[$0]) }
    }

    /// One number from each vector along a dimension, which is removed.
    func reduced(_ dim: Int, _ body: ([Double]) -> Double) -> Naive {
        var rest = shape
        let length = rest.remove(at: dim)
        return Naive(rest) { index in
            body(
                (0..<length).map {
                    var full = index
                    full.insert($0, at: dim)
                    return self[full]
                })
        }
    }

    /// Each vector along a dimension replaced by one of the same length.
    func along(_ dim: Int, _ body: ([Double]) -> [Double]) -> Naive {
        Naive(shape) { index in
            let vector = (0..<shape[dim]).map { i in
                var full = index
                full[dim] = i
                return self[full]
            }
            return body(vector)[index[dim]]
        }
    }

    /// All indices in row-major order.
    static func indices(of shape: [Int]) -> [[Int]] {
        shape.reduce([[]]) { heads, length in
            heads.flatMap { head in (0..<length).map { head + [$0] } }
        }
    }
}

/// A repeatable sequence of numbers in [0, 1) (SplitMix64).
struct Draws {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((z ^ (z >> 31)) >> 11) * 0x1p-53
    }
}

/// Expects the shape and every element of `found` to be those of `expected`.
func expect(
    _ found: Tensor, equals expected: Naive, within tolerance: Double = 1e-11,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found.shape == expected.shape, sourceLocation: sourceLocation)
    let values = found.values(as: Double.self)
    guard values.count == expected.values.count else { return }
    for (index, (a, b)) in zip(values, expected.values).enumerated() {
        let agree =
            a == b || Swift.abs(a - b) <= tolerance * (1 + Swift.abs(b)) || a.isNaN && b.isNaN
        guard !agree else { continue }
        Issue.record(
            "element \(index) of \(found.summary) is \(a), expected \(b)",
            sourceLocation: sourceLocation)
        return
    }
}
