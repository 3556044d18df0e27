public import Torch

/// A pre-norm transformer block: x += γ₁ attn(LN x), x += γ₂ mlp(LN x).
///
/// Dosovitskiy et al., *An Image is Worth 16x16 Words* (2021), equations 2 and 3. γ, the LayerScale
/// of Touvron et al. 2021, is absent unless asked for.
public final class Block: Module {
    let norm1: LayerNorm
    let attn: Attention
    let norm2: LayerNorm
    let mlp: any FeedForward
    @Parameter var gamma1: Tensor?  // [D]
    @Parameter var gamma2: Tensor?  // [D]
    package let dropPath: DropPath

    public override class var stateNames: [String: String] {
        ["gamma1": "gamma_1", "gamma2": "gamma_2"]
    }

    /// - Parameters:
    ///   - width: D.
    ///   - heads: the number of attention heads, a divisor of the width.
    ///   - mlpRatio: the width of the hidden layer as a multiple of D; a fraction is cut off.
    ///   - layerScale: the initial γ, or nil for none.
    ///   - dropPath: the probability to drop each branch in training.
    ///   - eps: of the layer norms.
    ///   - attention: what differs from plain attention.
    ///   - mlp: which network follows attention.
    ///   - mlpNorm: whether a SwiGLU has a layer norm inside.
    ///   - generator: the source of the initial weights and of drop path.
    public init(
        _ width: Int, heads: Int, mlpRatio: Double = 4, layerScale: Double? = nil,
        dropPath: Double = 0, eps: Double = 1e-6, attention: Attention.Form = Attention.Form(),
        mlp: FeedForwardForm = .gelu, mlpNorm: Bool = false, generator: Generator?
    ) {
        norm1 = LayerNorm(width, eps: eps)
        attn = Attention(width, heads: heads, form: attention, generator: generator)
        norm2 = LayerNorm(width, eps: eps)
        self.mlp = mlp.make(
            width, hidden: Self.hiddenWidth(width, mlpRatio), innerNorm: mlpNorm ? eps : nil,
            generator: generator)
        gamma1 = layerScale.map { Tensor.full([width], $0) }
        gamma2 = layerScale.map { Tensor.full([width], $0) }
        self.dropPath = DropPath(dropPath, generator: generator)
    }

    /// ⌊ratio · width⌋, where a ratio such as 48/11 may have lost its last bit.
    static func hiddenWidth(_ width: Int, _ ratio: Double) -> Int {
        Int(Double(width) * ratio + 1e-6)
    }

    /// - Parameters:
    ///   - x: `[B, T, D]`.
    ///   - positions: where the tokens are, in models whose attention looks at it.
    /// - Returns: `[B, T, D]`.
    public func callAsFunction(_ x: Tensor, at positions: AttentionPositions? = nil) -> Tensor {
        checkpointing(x, [positions?.sharedBias], drawing: dropPath.source) { [self] x, bias in
            let positions = positions?.with(sharedBias: bias[0])
            return feedForward(x + dropPath(scaled(attn(norm1(x), at: positions), gamma1)))
        }
    }

    /// - Parameters:
    ///   - x: sequences of several lengths, each of which sees itself alone.
    ///   - positions: one for each of their parts.
    /// - Returns: the same sequences.
    public func callAsFunction(
        _ x: TokenRows, at positions: [AttentionPositions?]
    ) -> TokenRows {
        let biases = positions.map { $0?.sharedBias }
        let rows = checkpointing(x.rows, biases, drawing: dropPath.source) { [self] rows, biases in
            let positions = zip(positions, biases).map { $0?.with(sharedBias: $1) }
            let mixed = scaled(attn(x.with(norm1(rows)), at: positions), gamma1)
            let middle = rows + dropPath(mixed, of: x)
            return middle + dropPath(scaled(mlp(norm2(middle)), gamma2), of: x)
        }
        return x.with(rows)
    }

    /// The output of the last `count` tokens alone, `[B, count, D]`, for a last block of which no other is
    /// wanted: queries, projection and MLP of the others cost nothing.
    public func ofLast(
        _ count: Int, _ x: Tensor, at positions: AttentionPositions? = nil
    ) -> Tensor {
        let t = x.shape[1]
        return of(t - count..<t, x, seeing: 0..<t, at: positions)
    }

    /// The output of some tokens, whose attention looks at some.
    ///
    /// - Parameters:
    ///   - rows: Q tokens.
    ///   - x: `[B, T, D]`.
    ///   - keys: K tokens that are looked at.
    ///   - positions: with a bias of a shape that `[B, H, Q, K]` can be expanded from.
    /// - Returns: `[B, Q, D]`.
    public func of(
        _ rows: Range<Int>, _ x: Tensor, seeing keys: Range<Int>,
        at positions: AttentionPositions? = nil
    ) -> Tensor {
        checkpointing(x, [positions?.sharedBias], drawing: dropPath.source) { [self] x, bias in
            let positions = positions?.with(sharedBias: bias[0])
            let mixed = attn.of(rows, norm1(x), seeing: keys, at: positions)
            return feedForward(x[0..., rows] + dropPath(scaled(mixed, gamma1)))
        }
    }

    /// The output together with what attention did.
    public func traced(_ x: Tensor, at positions: AttentionPositions? = nil) -> BlockTrace {
        let (mixed, weights) = attn.withWeights(norm1(x), at: positions)
        return BlockTrace(
            input: x, weights: weights, mixed: mixed,
            output: feedForward(x + dropPath(scaled(mixed, gamma1))))
    }

    private func feedForward(_ x: Tensor) -> Tensor {
        x + dropPath(scaled(mlp(norm2(x)), gamma2))
    }

    private func scaled(_ x: Tensor, _ gamma: Tensor?) -> Tensor { gamma.map { x * $0 } ?? x }
}

/// What went on in a block.
///
/// B images, T tokens, D width, H heads.
public struct BlockTrace {
    /// `[B, T, D]`.
    public let input: Tensor
    /// Which tokens attention looked at, `[B, H, T, T]`; the rows sum to 1.
    public let weights: Tensor
    /// What it made of them, `[B, T, D]`: projected, before LayerScale and the sum with the input.
    public let mixed: Tensor
    /// `[B, T, D]`.
    public let output: Tensor
}

// MARK: - Starting weights

extension Block {
    /// Starts the linear layers from Xavier's uniform distribution with zero bias.
    public func initializeXavier(generator: Generator?) {
        for layer in linearLayers { layer.initializeXavier(generator: generator) }
    }

    /// Starts the linear layers from the normal distribution cut at ±2, with zero bias.
    public func initializeTruncatedNormal(std: Double, generator: Generator?) {
        for layer in linearLayers {
            layer.initializeTruncatedNormal(std: std, generator: generator)
        }
    }

    /// Multiplies the weights of the layers that write to the residual stream, attention's and the MLP's
    /// last: by 1/√(2l) for block l of BEiT, so that the stream does not grow with the depth.
    public func scaleOutputs(by factor: Double) {
        noGrad {
            for layer in [attn.linearLayers.last, mlp.linearLayers.last].compactMap({ $0 }) {
                layer.weight.multiplyInPlace(by: factor)
            }
        }
    }

    private var linearLayers: [Linear] { attn.linearLayers + mlp.linearLayers }
}
