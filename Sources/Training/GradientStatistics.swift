import Torch

/// How long the gradients of an encoder's matrices are, the ones of attention's first and last block
/// by name: what I-JEPA logs.
///
/// A first block far below the last says that gradients vanish on the way. Nothing is computed before
/// it is asked for.
struct GradientStatistics {
    /// Those with a gradient.
    private let names: [(name: String, rank: Int)]
    private let norms: [Tensor]
    private let encoder: String

    /// - Parameters:
    ///   - parameters: those with a gradient.
    ///   - norms: of their gradients.
    ///   - encoder: what the names of the encoder's tensors begin with.
    init(_ parameters: [(name: String, tensor: Tensor)], _ norms: [Tensor], encoder: String) {
        names = parameters.map { ($0.name, $0.tensor.rank) }
        self.norms = norms
        self.encoder = encoder
    }

    /// Norms of the first and the last block's `attn.qkv.weight`, the least and the greatest of all
    /// matrices, and their mean; nil without matrices or blocks.
    var values: (first: Tensor, last: Tensor, least: Tensor, greatest: Tensor, mean: Tensor)? {
        let matrices = zip(names, norms).filter {
            $0.0.rank > 1 && $0.0.name.hasPrefix(encoder)
        }
        let attention = matrices.filter {
            $0.0.name.hasPrefix(encoder + "blocks.") && $0.0.name.hasSuffix("attn.qkv.weight")
        }
        guard let first = attention.first?.1, let last = attention.last?.1 else { return nil }
        let all = stacked(matrices.map(\.1))
        return (first, last, all.min(), all.max(), all.mean())
    }

    /// By the names of the log.
    var named: [(name: String, value: Tensor)] {
        guard let values else { return [] }
        return [
            ("grad_first_block", values.first), ("grad_last_block", values.last),
            ("grad_least", values.least), ("grad_greatest", values.greatest),
        ]
    }
}
