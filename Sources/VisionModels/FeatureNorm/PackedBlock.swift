import NN
import Torch

/// A pre-norm block of featurenorm's transformers: x += attn(norm x); x += mlp(norm x), or a mixture of
/// experts, which has norm and residual inside.
final class PackedBlock: Module {
    let norm1: any Layer
    let attention: PackedAttention
    let norm2: (any Layer)?
    let mlp: Mlp?
    let experts: DiffMoE?

    override class var stateNames: [String: String] { ["experts": "mlp"] }

    /// What a block makes of its tokens.
    struct Output {
        /// `[B, T, D]`.
        let tokens: Tensor
        /// `[B, H, T, d]`, of attention.
        let keys: Tensor
        /// Of a mixture of experts in training; nil for anything else.
        let capacityLoss: Tensor?
    }

    init(_ form: PackedBlockForm, generator: Generator?) {
        let width = form.width
        norm1 = form.norm.make(width)
        attention = PackedAttention(
            width, heads: form.heads, headWidth: form.headWidth, queryKeyNorm: form.queryKeyNorm,
            generator: generator)
        if let count = form.experts {
            (norm2, mlp) = (nil, nil)
            experts = DiffMoE(width, experts: count, norm: form.norm, generator: generator)
        } else {
            norm2 = form.norm.make(width)
            mlp = Mlp(width, hidden: 4 * width, activation: TanhGELU(), generator: generator)
            experts = nil
        }
    }

    /// - Parameters:
    ///   - x: `[B, T, D]`.
    ///   - positions: where the tokens are, and which look at one another.
    ///   - present: `[B, T]`, false for padding; nil where there is none.
    /// - Returns: the tokens, and what merging and training need beside them.
    func callAsFunction(
        _ x: Tensor, at positions: AttentionPositions, present: Tensor?
    ) -> Output {
        let (mixed, keys) = attention(norm1(x), at: positions, present: present)
        let y = x + mixed
        if let experts {
            let output = experts(y, present: present)
            return Output(tokens: output.tokens, keys: keys, capacityLoss: output.capacityLoss)
        }
        guard let norm2, let mlp else { fatalError("a block has experts or a network") }
        return Output(tokens: y + mlp(norm2(y)), keys: keys, capacityLoss: nil)
    }
}

/// The shape of a block.
struct PackedBlockForm {
    let width: Int
    let heads: Int
    let headWidth: Int
    let norm: NormForm
    /// Of queries and keys; nil for none.
    let queryKeyNorm: NormForm?
    /// How many experts take the place of the network; nil for none.
    let experts: Int?
}
