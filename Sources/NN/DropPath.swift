public import Torch

/// Stochastic depth: a residual branch is dropped for whole samples.
///
/// y = x · ⌊keep + u⌋ / keep with one uniform u a sample: Huang et al., *Deep Networks with
/// Stochastic Depth* (2016). Outside training nothing is dropped.
public final class DropPath: Module {
    /// The probability to drop, 0 ≤ rate < 1.
    package var rate: Double
    private let generator: Generator?

    /// - Parameters:
    ///   - rate: the probability to drop, 0 ≤ rate < 1.
    ///   - generator: the source of u.
    public init(_ rate: Double, generator: Generator?) {
        require(rate >= 0 && rate < 1, "drop path rate \(rate) is not in [0, 1)")
        self.rate = rate
        self.generator = generator
    }

    /// Where the next draw comes from; nil where there is none.
    package var source: Generator? {
        guard isTraining, rate > 0 else { return nil }
        return Generator.scoped ?? generator ?? .default(on: .cpu)
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        guard let source else { return x }
        let shape = [x.shape[0]] + Array(repeating: 1, count: x.rank - 1)
        return Self.apply(x, rate: rate, uniform: .uniform(shape, generator: source))
    }

    /// Rows `[R, D]` of sequences, of which each is dropped as a whole.
    func callAsFunction(_ rows: Tensor, of sequences: TokenRows) -> Tensor {
        guard let source else { return rows }
        let uniform = sequences.shapes.map { count, length in
            Tensor.uniform([count, 1, 1], generator: source).expanded([count, length, 1])
        }
        return Self.apply(
            rows, rate: rate, uniform: sequences.together(uniform.map { $0.sent(to: rows.device) }))
    }

    /// The formula with given draws `uniform`, `[B, 1, …]`.
    package static func apply(_ x: Tensor, rate: Double, uniform: Tensor) -> Tensor {
        let keep = 1 - rate
        return x / keep * (uniform + keep).floor().to(dtype: x.dtype).sent(to: x.device)
    }

    /// The rates of `depth` blocks, rising evenly from 0 to `last`.
    public static func rates(depth: Int, last: Double) -> [Double] {
        (0..<depth).map { depth == 1 ? 0 : last * Double($0) / Double(depth - 1) }
    }
}
