public import NN
public import Torch

/// Self-attention inside windows, with a learned bias for each offset of two cells.
///
/// Liu et al., *Swin Transformer* (2021), equation 4: softmax(q kᵀ / √d + bias + mask) v. B images,
/// W windows of n = w² cells, C channels, H heads, d = C / H. The table has a row for each of the
/// (2w − 1)² offsets.
public final class WindowAttention: Module {
    @Parameter public var relativePositionBiasTable: Tensor  // [(2w − 1)², H]
    @Buffer var relativePositionIndex: Tensor  // int64 [n, n], the row for each pair
    let qkv: Linear
    let proj: Linear
    let headCount: Int

    /// - Parameters:
    ///   - width: C, a multiple of `heads`.
    ///   - window: w.
    ///   - heads: H.
    ///   - qkvBias: whether q, k and v have a bias.
    ///   - generator: the source of the initial weights.
    public init(_ width: Int, window: Int, heads: Int, qkvBias: Bool, generator: Generator?) {
        require(width % heads == 0, "\(heads) heads do not divide the width \(width)")
        let grid = PatchGrid(rows: window, columns: window)
        relativePositionBiasTable = Init.normal(
            [grid.offsets.count, heads], std: 0.02, generator: generator)
        relativePositionIndex = RelativePairs(of: grid, classToken: false).rows
        qkv = Linear(width, 3 * width, bias: qkvBias, generator: generator)
        proj = Linear(width, width, generator: generator)
        headCount = heads
    }

    /// - Parameters:
    ///   - x: the cells of each window, `[B, W, n, C]`.
    ///   - mask: added to the logits of each window, `[W, n, n]`; nil for none.
    /// - Returns: `[B, W, n, C]`.
    public func callAsFunction(_ x: Tensor, mask: Tensor? = nil) -> Tensor {
        let (q, k, v) = heads(x)
        let bias = bias(mask, windows: x.shape[1])
        // The kernel that never holds the weights has no gradient of a bias.
        guard bias.requiresGrad else {
            return joined(q.attention(k, v, scale: scale(x), bias: bias), like: x)
        }
        return joined(weights(q, k, bias, scale(x)).matmul(v), like: x)
    }

    /// The output together with the attention weights `[B·W, H, n, n]`.
    public func withWeights(_ x: Tensor, mask: Tensor? = nil) -> (output: Tensor, weights: Tensor) {
        let (b, w, n, _) = x.shape4
        let (q, k, v) = heads(x)
        let weights = weights(q, k, bias(mask, windows: w), scale(x))
        return (
            joined(weights.matmul(v), like: x), weights.reshaped(b * w, headCount, n, n)
        )
    }

    /// Windows and heads stand in one dimension, so that the bias of all of them is broadcast over
    /// the images alone: `[B, W·H, n, d]` each.
    private func heads(_ x: Tensor) -> (Tensor, Tensor, Tensor) {
        let (b, w, n, c) = x.shape4
        let parts = qkv(x).reshaped(b, w, n, 3, headCount, c / headCount).unbound(3)
            .map { $0.transposed(2, 3).reshaped(b, w * headCount, n, c / headCount) }
        return (parts[0], parts[1], parts[2])
    }

    private func scale(_ x: Tensor) -> Double {
        1 / Double(x.shape[3] / headCount).squareRoot()
    }

    /// `[1, W·H, n, n]`.
    private func bias(_ mask: Tensor?, windows: Int) -> Tensor {
        let table = relativePositionBiasTable.selectingRows(relativePositionIndex)
            .permuted(2, 0, 1).unsqueezed(0)  // [1, H, n, n]
        let n = table.shape[2]
        let all =
            mask.map { table + $0.to(dtype: table.dtype).unsqueezed(1) }
            ?? table.expanded([windows, headCount, n, n])
        return all.reshaped(1, windows * headCount, n, n)
    }

    private func weights(_ q: Tensor, _ k: Tensor, _ bias: Tensor, _ scale: Double) -> Tensor {
        ((q * scale).matmul(k.transposed()) + bias).softmax(-1)
    }

    private func joined(_ heads: Tensor, like x: Tensor) -> Tensor {
        let (b, w, n, c) = x.shape4
        return proj(
            heads.reshaped(b, w, headCount, n, c / headCount).transposed(2, 3)
                .reshaped(b, w, n, c))
    }

    /// The layers whose weights are drawn at the start.
    var linearLayers: [Linear] { [qkv, proj] }
}
