import Torch

/// How long the gradients of an encoder's matrices are, the ones of attention's first and last block
/// by name: what I-JEPA logs.
///
/// A first block far below the last says that gradients vanish on the way.
struct GradientStatistics {
    /// Of `blocks.0.attn.qkv.weight`, and of the same in the last block.
    let first: Tensor?
    let last: Tensor?
    /// Of all matrices.
    private let all: [Tensor]

    /// - Parameters:
    ///   - parameters: those with a gradient.
    ///   - norms: of their gradients.
    ///   - encoder: what the names of the encoder's tensors begin with.
    init(_ parameters: [(name: String, tensor: Tensor)], _ norms: [Tensor], encoder: String) {
        let members = zip(parameters, norms).filter {
            $0.0.name.hasPrefix(encoder) && $0.0.tensor.rank > 1
        }
        let attention = members.filter { $0.0.name.hasSuffix("attn.qkv.weight") }
        let inBlocks = attention.filter { $0.0.name.hasPrefix(encoder + "blocks.") }
        (first, last) = (inBlocks.first?.1, inBlocks.last?.1)
        all = members.map(\.1)
    }

    var least: Tensor? { all.isEmpty ? nil : stacked(all).min() }
    var greatest: Tensor? { all.isEmpty ? nil : stacked(all).max() }
    var mean: Tensor? { all.isEmpty ? nil : stacked(all).mean() }

    /// By the names of the log.
    var named: [(name: String, value: Tensor)] {
        [
            ("grad_first_block", first), ("grad_last_block", last), ("grad_least", least),
            ("grad_greatest", greatest),
        ].compactMap { name, value in value.map { (name, $0) } }
    }
}
