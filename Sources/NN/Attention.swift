public import Torch

/// Multi-head self-attention: softmax(q kᵀ / √d) v for every head, joined and projected.
///
/// Vaswani et al., *Attention Is All You Need* (2017), section 3.2. B images, T tokens, D width,
/// H heads, d = D / H. The rows of the `qkv` weight are those of q, then k, then v, each head by
/// head.
public final class Attention: Module {
    @Parameter var qBias: Tensor?  // [D]
    @Parameter var vBias: Tensor?  // [D]
    /// Its tensor stands among attention's own, as in BEiT's checkpoints.
    let relativeBias: RelativePositionBias?
    let qkv: Linear
    let qNorm: LayerNorm?  // over d
    let kNorm: LayerNorm?  // over d
    let norm: LayerNorm?  // before the projection
    let proj: Linear
    let headCount: Int

    public override class var stateNames: [String: String] { ["relativeBias": ""] }

    /// - Parameters:
    ///   - width: D, a multiple of `heads`.
    ///   - heads: H.
    ///   - form: what differs from the plain one.
    ///   - generator: the source of the initial weights.
    public init(_ width: Int, heads: Int, form: Form = Form(), generator: Generator?) {
        require(width % heads == 0, "\(heads) heads do not divide the width \(width)")
        qkv = Linear(width, 3 * width, bias: form.bias == .all, generator: generator)
        let splitsBias = form.bias == .queryAndValue
        qBias = splitsBias ? Init.zeros([width]) : nil
        vBias = splitsBias ? Init.zeros([width]) : nil
        relativeBias = form.relativeRows.map { RelativePositionBias(rows: $0, heads: heads) }
        let headNorm = { form.queryKeyNorm ? LayerNorm(width / heads, eps: form.eps) : nil }
        (qNorm, kNorm) = (headNorm(), headNorm())
        norm = form.innerNorm ? LayerNorm(width, eps: form.eps) : nil
        proj = Linear(width, width, generator: generator)
        headCount = heads
    }

    /// - Parameters:
    ///   - x: `[B, T, D]`.
    ///   - positions: where the tokens are, in models whose attention looks at it.
    /// - Returns: `[B, T, D]`.
    public func callAsFunction(_ x: Tensor, at positions: AttentionPositions? = nil) -> Tensor {
        let (b, t, d) = x.shape3
        let (q, k, v) = heads(projected(x), positions)
        let mixed = Self.mixed(q, k, v, bias: bias(positions))
        return project(mixed.transposed(1, 2).reshaped(b, t, d))
    }

    /// - Parameters:
    ///   - x: sequences of several lengths, each of which sees itself alone.
    ///   - positions: one for each of their parts.
    /// - Returns: rows in the same order, `[R, D]`.
    public func callAsFunction(
        _ x: TokenRows, at positions: [AttentionPositions?]
    ) -> Tensor {
        let mixed = zip(x.apart(projected(x.rows)), positions).map { qkv, positions in
            let (q, k, v) = heads(qkv, positions)
            return Self.mixed(q, k, v, bias: bias(positions)).transposed(1, 2).flattened(2)
        }
        return project(x.together(mixed))
    }

    /// The output of some tokens from what some hold: the others do not look, or are not looked at.
    ///
    /// - Parameters:
    ///   - rows: Q tokens that look.
    ///   - x: `[B, T, D]`.
    ///   - keys: K tokens that are looked at.
    ///   - positions: with a bias of a shape that `[B, H, Q, K]` can be expanded from; of all tokens where
    ///     attention sees places otherwise.
    /// - Returns: `[B, Q, D]`.
    public func of(
        _ rows: Range<Int>, _ x: Tensor, seeing keys: Range<Int>,
        at positions: AttentionPositions? = nil
    ) -> Tensor {
        let (b, t, d) = x.shape3
        guard qBias == nil, qNorm == nil, positions?.rotation == nil, relativeBias == nil else {
            require(keys == 0..<t, "attention with places in it looks at all tokens")
            return self(x, at: positions)[0..., rows]
        }
        func split(_ x: Tensor, _ parts: Int) -> [Tensor] {
            x.reshaped(b, -1, parts, headCount, d / headCount).unbound(2).map {
                $0.transposed(1, 2)
            }
        }
        let (weight, bias) = (qkv.weight, qkv.bias)
        let q = split(x[0..., rows].linear(weight[..<d], bias.map { $0[..<d] }), 1)[0]
        let keysAndValues = split(
            x[0..., keys].linear(weight[d...], bias.map { $0[d...] }), 2)
        let (k, v) = (keysAndValues[0], keysAndValues[1])
        let mixed = Self.mixed(q, k, v, bias: positions?.sharedBias)
        return project(mixed.transposed(1, 2).reshaped(b, rows.count, d))
    }

    /// The output together with the attention weights `[B, H, T, T]`.
    public func withWeights(
        _ x: Tensor, at positions: AttentionPositions? = nil
    ) -> (output: Tensor, weights: Tensor) {
        let (b, t, d) = x.shape3
        let (q, k, v) = heads(projected(x), positions)
        let attention = Self.weights(q, k, bias(positions))
        return (project(attention.matmul(v).transposed(1, 2).reshaped(b, t, d)), attention)
    }

    private func project(_ x: Tensor) -> Tensor { proj(norm.map { $0(x) } ?? x) }

    /// Queries, keys and values, `[B, H, T, d]` each, of what `projected` gives, `[B, T, 3 · D]`.
    private func heads(
        _ qkv: Tensor, _ positions: AttentionPositions?
    ) -> (Tensor, Tensor, Tensor) {
        let (b, t, width) = qkv.shape3
        // Taken apart where they lie, so that the backward pass puts the gradients together in the
        // order of `qkv` at once.
        let parts = qkv.reshaped(b, t, 3, headCount, width / 3 / headCount).unbound(2)
        var (q, k) = (parts[0].transposed(1, 2), parts[1].transposed(1, 2))
        if let qNorm, let kNorm { (q, k) = (qNorm(q), kNorm(k)) }
        if let rotation = positions?.rotation { (q, k) = (rotation(q), rotation(k)) }
        return (q, k, parts[2].transposed(1, 2))
    }

    private func projected(_ x: Tensor) -> Tensor {
        guard let qBias, let vBias else { return qkv(x) }
        // A bias of the keys moves all logits of a query alike, and softmax takes it out again.
        return x.linear(qkv.weight, concatenated([qBias, .zeros(like: qBias), vBias], 0))
    }

    /// What is added to the logits, of a shape that `[B, H, T, T]` can be expanded from.
    private func bias(_ positions: AttentionPositions?) -> Tensor? {
        guard let relativeBias else { return positions?.sharedBias }
        guard let pairs = positions?.pairs else {
            fatalError("attention with relative positions was not told where the tokens are")
        }
        return relativeBias(pairs)
    }

    /// softmax(q kᵀ / √d + bias) v by the faster way for these tensors; all are `[B, H, T, d]`, the
    /// bias of a shape that `[B, H, T, T]` can be expanded from.
    package static func mixed(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, bias: Tensor?
    ) -> Tensor {
        usesFusedKernel(q, bias)
            ? q.attention(k, v, scale: scale(q), bias: bias) : weights(q, k, bias).matmul(v)
    }

    private static func weights(_ q: Tensor, _ k: Tensor, _ bias: Tensor?) -> Tensor {
        let logits = (q * scale(q)).matmul(k.transposed())
        return (bias.map { logits + $0 } ?? logits).softmax(-1)  // [B, H, T, T]
    }

    /// 1 / √d.
    private static func scale(_ q: Tensor) -> Double { 1 / Double(q.shape[3]).squareRoot() }

    /// Whether to use the kernel that never holds the T × T weights.
    ///
    /// On the CPU its backward pass is slow: several times in bf16 at any size, a quarter in fp32 for
    /// short sequences (docs/performance.md). No such kernel gives a gradient of a bias.
    private static func usesFusedKernel(_ q: Tensor, _ bias: Tensor?) -> Bool {
        if let bias, bias.requiresGrad { return false }
        guard q.device == .cpu, q.requiresGrad else { return true }
        return q.dtype == .float32 && q.shape[2] > 100
    }

    /// The layers whose weights are drawn at the start.
    var linearLayers: [Linear] { [qkv, proj] }
}

extension Attention {
    /// What models add to plain attention.
    public struct Form: Hashable, Sendable {
        public var bias: Bias
        /// Layer norms of each head's queries and keys: Dehghani et al., *Scaling Vision Transformers
        /// to 22 Billion Parameters* (2023), section 2.
        public var queryKeyNorm = false
        /// A layer norm before the projection: EVA-02's sub-LN.
        public var innerNorm = false
        /// The rows of a table of relative position biases of its own; nil for none.
        public var relativeRows: Int?
        /// ε of these norms.
        public var eps = 1e-6

        public init(bias: Bias = .all) {
            self.bias = bias
        }
    }

    /// Which of queries, keys and values have a bias; the projection always has.
    public enum Bias: String, Codable, Sendable, CaseIterable {
        case all
        /// Two vectors beside the weight, none for the keys: BEiT, DINOv3, EVA-02.
        case queryAndValue
        case none
    }
}
