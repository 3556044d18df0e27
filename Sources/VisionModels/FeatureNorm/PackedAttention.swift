import NN
import Torch

/// Multi-head self-attention of packed sequences.
///
/// As `Attention`, but its heads together may be wider or narrower than a token, no layer has a bias,
/// queries and keys may go through `DynamicTanh`, and padding comes out as zeros. B sequences, T tokens,
/// D width, H heads of d channels.
final class PackedAttention: Module {
    let projQkv: Linear  // [3 H d, D]
    let qNorm: (any Layer)?  // over d
    let kNorm: (any Layer)?  // over d
    let projOut: Linear  // [D, H d]
    private let headCount: Int

    init(
        _ width: Int, heads: Int, headWidth: Int, queryKeyNorm: NormForm?, generator: Generator?
    ) {
        let inner = heads * headWidth
        projQkv = Linear(width, 3 * inner, bias: false, generator: generator)
        qNorm = queryKeyNorm?.make(headWidth)
        kNorm = queryKeyNorm?.make(headWidth)
        projOut = Linear(inner, width, bias: false, generator: generator)
        headCount = heads
    }

    /// - Parameters:
    ///   - x: `[B, T, D]`.
    ///   - positions: where the tokens are, and which look at one another.
    ///   - present: `[B, T]`, false for padding; nil where there is none.
    /// - Returns: `[B, T, D]`, and the keys `[B, H, T, d]` that tokens are compared by.
    func callAsFunction(
        _ x: Tensor, at positions: AttentionPositions, present: Tensor?
    ) -> (output: Tensor, keys: Tensor) {
        let (b, t, _) = x.shape3
        let parts = projQkv(x).reshaped(b, t, 3, headCount, -1).unbound(2)
        var (q, k) = (parts[0].transposed(1, 2), parts[1].transposed(1, 2))
        let v = parts[2].transposed(1, 2)
        if let qNorm, let kNorm { (q, k) = (qNorm(q), kNorm(k)) }
        if let rotation = positions.rotation {
            // Half precisions would lose what tells neighbours apart.
            func turned(_ x: Tensor) -> Tensor {
                rotation(x.dtype == .float64 ? x : x.to(dtype: .float32))
            }
            (q, k) = (turned(q), turned(k))
        }
        let mixed = Attention.mixed(
            q.to(dtype: v.dtype), k.to(dtype: v.dtype), v, bias: positions.sharedBias)
        var output = projOut(mixed.transposed(1, 2).reshaped(b, t, -1))
        if let present {
            output = present.unsqueezed(-1).select(output, else: .zeros(like: output.detached()))
        }
        return (output, k)
    }
}
