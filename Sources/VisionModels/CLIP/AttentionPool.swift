import NN
import Torch

/// Attention over the cells of a map together with their mean, which stands for the image.
///
/// Radford et al. 2021, section 2.4: [mean; cells] + positions, multi-head attention with layers of
/// its own for queries, keys and values, then a projection to E. B images, N cells, D channels.
final class AttentionPool: Module {
    @Parameter var positionalEmbedding: Tensor  // [1 + N, D]
    let kProj: Linear
    let qProj: Linear
    let vProj: Linear
    let cProj: Linear
    private let headCount: Int

    init(_ width: Int, cells: Int, heads: Int, embedding: Int, generator: Generator?) {
        positionalEmbedding = Init.normal(
            [1 + cells, width], std: 1 / Double(width).squareRoot(), generator: generator)
        kProj = Linear(width, width, generator: generator)
        qProj = Linear(width, width, generator: generator)
        vProj = Linear(width, width, generator: generator)
        cProj = Linear(width, embedding, generator: generator)
        headCount = heads
    }

    /// What the mean finds: `[B, N, D] -> [B, E]`.
    func callAsFunction(_ cells: Tensor) -> Tensor {
        let tokens = positioned(cells)
        return attend(tokens[0..., ..<1], to: tokens)[0..., 0]
    }

    /// What the mean and every cell find: `[B, N, D] -> [B, 1 + N, E]`.
    func tokens(_ cells: Tensor) -> Tensor {
        let tokens = positioned(cells)
        return attend(tokens, to: tokens)
    }

    private func positioned(_ cells: Tensor) -> Tensor {
        let count = positionalEmbedding.shape[0] - 1
        require(
            cells.shape[1] == count,
            "the pooling has positions for \(count) cells, the map has \(cells.shape[1])")
        return concatenated([cells.mean(1, keepDim: true), cells], 1) + positionalEmbedding
    }

    private func attend(_ asking: Tensor, to tokens: Tensor) -> Tensor {
        let (b, t, d) = asking.shape3
        let head = d / headCount
        func heads(_ x: Tensor) -> Tensor {
            x.reshaped(b, -1, headCount, head).transposed(1, 2)
        }
        let mixed = heads(qProj(asking)).attention(
            heads(kProj(tokens)), heads(vProj(tokens)), scale: 1 / Double(head).squareRoot())
        return cProj(mixed.transposed(1, 2).reshaped(b, t, d))
    }
}
