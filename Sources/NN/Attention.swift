public import Torch

/// Multi-head self-attention: softmax(q kᵀ / √d) v for every head, joined and projected.
///
/// Vaswani et al., *Attention Is All You Need* (2017), section 3.2. B images, T tokens, D width,
/// H heads, d = D / H. The rows of the `qkv` weight are those of q, then k, then v, each head by
/// head.
public final class Attention: Module {
    let qkv: Linear
    let proj: Linear
    let headCount: Int

    /// - Parameters:
    ///   - width: D, a multiple of `heads`.
    ///   - heads: H.
    ///   - qkvBias: whether q, k and v have a bias; the projection always has.
    ///   - generator: the source of the initial weights.
    public init(_ width: Int, heads: Int, qkvBias: Bool = true, generator: Generator?) {
        require(width % heads == 0, "\(heads) heads do not divide the width \(width)")
        qkv = Linear(width, 3 * width, bias: qkvBias, generator: generator)
        proj = Linear(width, width, generator: generator)
        headCount = heads
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        let (b, t, d) = x.shape3
        let (q, k, v) = heads(x)
        let mixed =
            usesFusedKernel(q)
            ? q.attention(k, v, scale: scale(d)) : weights(q, k, width: d).matmul(v)
        return proj(mixed.transposed(1, 2).reshaped(b, t, d))
    }

    /// The output together with the attention weights `[B, H, T, T]`.
    public func withWeights(_ x: Tensor) -> (output: Tensor, weights: Tensor) {
        let (b, t, d) = x.shape3
        let (q, k, v) = heads(x)
        let attention = weights(q, k, width: d)
        return (proj(attention.matmul(v).transposed(1, 2).reshaped(b, t, d)), attention)
    }

    private func scale(_ width: Int) -> Double { 1 / Double(width / headCount).squareRoot() }

    private func heads(_ x: Tensor) -> (Tensor, Tensor, Tensor) {
        let (b, t, d) = x.shape3
        // Taken apart where they lie, so that the backward pass puts the gradients together in the
        // order of `qkv` at once.
        let parts = qkv(x).reshaped(b, t, 3, headCount, d / headCount).unbound(2)  // [B, T, H, d]
        return (
            parts[0].transposed(1, 2), parts[1].transposed(1, 2), parts[2].transposed(1, 2)
        )
    }

    private func weights(_ q: Tensor, _ k: Tensor, width: Int) -> Tensor {
        (q * scale(width)).matmul(k.transposed()).softmax(-1)  // [B, H, T, T]
    }

    /// Whether to use the kernel that never holds the T × T weights.
    ///
    /// On the CPU its backward pass is slow: several times in bf16 at any size, a quarter in fp32 for
    /// short sequences (docs/performance.md).
    private func usesFusedKernel(_ q: Tensor) -> Bool {
        guard q.device == .cpu, q.requiresGrad else { return true }
        return q.dtype == .float32 && q.shape[2] > 100
    }
}
