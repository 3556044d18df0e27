public import NN
public import Torch

/// Psomas et al., *Keep It SimPool: Who Said Supervised Transformers Suffer from Attention Deficit?*
/// (2023), section 3.
///
/// 1. query: the mean of the tokens; keys: the normalised tokens
/// 2. a = softmax(W_q q · W_k k / √D)
/// 3. result = Σ_t a_t v_t of the normalised tokens v, or with γ their generalised mean
///    (Σ_t a_t (v_t − min v)^γ)^(1/γ)
///
/// The form without projections has H heads, a normalised query and the tokens themselves as values.
public final class SimPool: Module, ReadOut {
    let normPatches: LayerNorm
    let wq: Linear?
    let wk: Linear?
    public let width: Int
    private let heads: Int
    private let gamma: Double?

    /// - Parameters:
    ///   - width: D.
    ///   - gamma: of the generalised mean; 1.25 for transformers and 2 for convolutional networks in the
    ///     paper, nil for the plain one.
    ///   - generator: the source of the initial weights.
    public init(width: Int, gamma: Double? = nil, generator: Generator?) {
        self.width = width
        self.gamma = gamma
        heads = 1
        normPatches = LayerNorm(width, eps: 1e-6)
        wq = Linear(width, width, bias: false, generator: generator)
        wk = Linear(width, width, bias: false, generator: generator)
    }

    /// The form without projections.
    ///
    /// - Parameters:
    ///   - width: D.
    ///   - heads: a divisor of it.
    public init(width: Int, heads: Int) {
        require(width % heads == 0, "\(heads) heads do not divide the width \(width)")
        self.width = width
        self.heads = heads
        gamma = nil
        normPatches = LayerNorm(width, eps: 1e-6)
        wq = nil
        wk = nil
    }

    public func withWeights(_ tokens: Tensor) -> (pooled: Tensor, weights: Tensor) {
        let mean = tokens.mean(1).unsqueezed(1)  // [B, 1, D]
        let keys = normPatches(tokens)
        guard let wq, let wk else {
            let (pooled, weights) = CrossAttention.mix(
                normPatches(mean), keys, tokens, heads: heads)
            return (pooled.squeezed(1), weights.squeezed(2))
        }
        guard let gamma else {
            let (pooled, weights) = CrossAttention.mix(wq(mean), wk(keys), keys, heads: 1)
            return (pooled.squeezed(1), weights.squeezed(2))
        }
        let raised = (keys - keys.min() + 1e-6).pow(gamma)
        let (pooled, weights) = CrossAttention.mix(wq(mean), wk(keys), raised, heads: 1)
        return (pooled.squeezed(1).pow(1 / gamma), weights.squeezed(2))
    }
}
