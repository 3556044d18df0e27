public import NN
public import Torch

/// V-JEPA's attentive pooler: Bardes et al., *Revisiting Feature Prediction for Learning Visual
/// Representations from Video* (2024), appendix.
///
/// 1. y = q + attention of a learned query q to the normalised tokens
/// 2. y ← y + MLP(LN(y))
/// 3. further blocks on y alone
///
/// The bare form is the attention of step 1 without norms and sum.
public final class AttentivePooler: Module, ReadOut {
    @Parameter var queryTokens: Tensor  // [1, 1, D]
    let crossAttentionBlock: any QueryBlock
    let blocks: [Block]
    public let width: Int

    /// - Parameters:
    ///   - width: D.
    ///   - heads: a divisor of it.
    ///   - depth: the first block and the further ones.
    ///   - bare: whether there is attention alone.
    ///   - generator: the source of the initial weights.
    public init(
        width: Int, heads: Int, depth: Int = 1, bare: Bool = false, generator: Generator?
    ) {
        require(depth > 0 && !(bare && depth > 1), "an attentive pooler of depth \(depth)")
        self.width = width
        queryTokens = Init.zeros([1, 1, width])
        crossAttentionBlock =
            bare
            ? QueryAttention(width, heads: heads, generator: generator)
            : QueryAttentionBlock(width, heads: heads, generator: generator)
        blocks = (1..<depth).map { index in
            let block = Block(width, heads: heads, eps: 1e-5, generator: generator)
            block.initializeTruncatedNormal(std: 0.02, generator: generator)
            block.scaleOutputs(by: 1 / Double(2 * (index + 1)).squareRoot())
            return block
        }
        super.init()
        Init.truncatedNormalInPlace(queryTokens, std: 0.02, generator: generator)
    }

    public func withWeights(_ tokens: Tensor) -> (pooled: Tensor, weights: Tensor) {
        let query = queryTokens.expanded([tokens.shape[0], -1, -1])
        let (first, weights) = crossAttentionBlock.withWeights(query, tokens)
        return (blocks.reduce(first) { $1($0) }.squeezed(1), weights.squeezed(2))
    }
}

/// What queries `[B, M, D]` make of tokens `[B, T, D]`: `[B, M, D]`, and the weights `[B, H, M, T]`.
protocol QueryBlock: Module {
    func withWeights(_ query: Tensor, _ tokens: Tensor) -> (Tensor, Tensor)
}

/// Attention of queries to tokens with all projections.
final class QueryAttention: Module, QueryBlock {
    let q: Linear
    let kv: Linear
    let proj: Linear
    private let heads: Int

    init(_ width: Int, heads: Int, generator: Generator?) {
        require(width % heads == 0, "\(heads) heads do not divide the width \(width)")
        q = Linear(width, width, generator: generator)
        kv = Linear(width, 2 * width, generator: generator)
        proj = Linear(width, width, generator: generator)
        self.heads = heads
        super.init()
        for layer in [q, kv, proj] {
            layer.initializeTruncatedNormal(std: 0.02, generator: generator)
        }
    }

    func withWeights(_ query: Tensor, _ tokens: Tensor) -> (Tensor, Tensor) {
        let (b, t, d) = tokens.shape3
        let parts = kv(tokens).reshaped(b, t, 2, d).unbound(2)
        let (mixed, weights) = CrossAttention.mix(q(query), parts[0], parts[1], heads: heads)
        return (proj(mixed), weights)
    }

    func scaleOutput(by factor: Double) {
        noGrad { proj.weight.multiplyInPlace(by: factor) }
    }
}

/// A block whose queries look at other tokens.
final class QueryAttentionBlock: Module, QueryBlock {
    let norm1: LayerNorm
    let xattn: QueryAttention
    let norm2: LayerNorm
    let mlp: Mlp

    init(_ width: Int, heads: Int, generator: Generator?) {
        norm1 = LayerNorm(width, eps: 1e-5)
        xattn = QueryAttention(width, heads: heads, generator: generator)
        norm2 = LayerNorm(width, eps: 1e-5)
        mlp = Mlp(width, hidden: 4 * width, generator: generator)
        super.init()
        for layer in mlp.linearLayers {
            layer.initializeTruncatedNormal(std: 0.02, generator: generator)
        }
        // As the first block of a depth.
        let factor = 1 / 2.0.squareRoot()
        xattn.scaleOutput(by: factor)
        noGrad { mlp.linearLayers.last?.weight.multiplyInPlace(by: factor) }
    }

    func withWeights(_ query: Tensor, _ tokens: Tensor) -> (Tensor, Tensor) {
        let (mixed, weights) = xattn.withWeights(query, norm1(tokens))
        let y = query + mixed
        return (y + mlp(norm2(y)), weights)
    }
}
