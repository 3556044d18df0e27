public import NN
public import Torch

/// The attentive probe of CAE: Chen et al., *Context Autoencoder for Self-Supervised Representation
/// Learning* (2022), section 4.
///
/// A learned query attends to the tokens: layer norms of their own for query, keys and values,
/// projections without bias, one with bias at the end, no sum.
public final class CAEPooling: Module, ReadOut {
    @Parameter var queryToken: Tensor  // [1, 1, D]
    let norm1Q: LayerNorm
    let norm1K: LayerNorm
    let norm1V: LayerNorm
    /// In the published checkpoints, without use.
    let norm2Cross: LayerNorm
    let crossAttn: Projections
    public let width: Int
    private let heads: Int

    final class Projections: Module {
        let q: Linear
        let k: Linear
        let v: Linear
        let proj: Linear

        init(_ width: Int, generator: Generator?) {
            q = Linear(width, width, bias: false, generator: generator)
            k = Linear(width, width, bias: false, generator: generator)
            v = Linear(width, width, bias: false, generator: generator)
            proj = Linear(width, width, generator: generator)
        }
    }

    /// - Parameters:
    ///   - width: D.
    ///   - heads: a divisor of it.
    ///   - generator: the source of the initial weights.
    public init(width: Int, heads: Int, generator: Generator?) {
        require(width % heads == 0, "\(heads) heads do not divide the width \(width)")
        self.width = width
        self.heads = heads
        queryToken = Init.zeros([1, 1, width])
        norm1Q = LayerNorm(width, eps: 1e-5)
        norm1K = LayerNorm(width, eps: 1e-5)
        norm1V = LayerNorm(width, eps: 1e-5)
        norm2Cross = LayerNorm(width, eps: 1e-5)
        crossAttn = Projections(width, generator: generator)
        super.init()
        norm2Cross.freeze()
    }

    public func withWeights(_ tokens: Tensor) -> (pooled: Tensor, weights: Tensor) {
        let (mixed, weights) = CrossAttention.mix(
            crossAttn.q(norm1Q(queryToken)), crossAttn.k(norm1K(tokens)),
            crossAttn.v(norm1V(tokens)), heads: heads)
        return (crossAttn.proj(mixed).squeezed(1), weights.squeezed(2))
    }
}
