public import NN
public import Torch

/// The attention pooling of AIM: El-Nouby et al., *Scalable Pre-training of Large Autoregressive Image
/// Models* (2024), section 3.
///
/// 1. batch normalisation of the tokens, without scale and shift
/// 2. learned queries, not projected, attend to keys and values without bias
/// 3. result: the mean over the queries
public final class AIMPooling: Module, ReadOut {
    @Parameter var clsToken: Tensor  // [1, M, D]
    let bn: BatchNorm
    let k: Linear
    let v: Linear
    public let width: Int
    private let heads: Int

    /// - Parameters:
    ///   - width: D.
    ///   - heads: a divisor of it.
    ///   - queries: M.
    ///   - generator: the source of the initial weights.
    public init(width: Int, heads: Int, queries: Int = 1, generator: Generator?) {
        require(width % heads == 0, "\(heads) heads do not divide the width \(width)")
        self.width = width
        self.heads = heads
        clsToken = Init.normal([1, queries, width], std: 0.02, generator: generator)
        bn = BatchNorm(width, affine: false, eps: 1e-6)
        k = Linear(width, width, bias: false, generator: generator)
        v = Linear(width, width, bias: false, generator: generator)
    }

    public func withWeights(_ tokens: Tensor) -> (pooled: Tensor, weights: Tensor) {
        let (b, t, d) = tokens.shape3
        let x = bn(tokens.reshaped(b * t, d)).reshaped(b, t, d)
        let (mixed, weights) = CrossAttention.mix(clsToken, k(x), v(x), heads: heads)
        return (mixed.mean(1), weights.flattened(1, 2))
    }
}
