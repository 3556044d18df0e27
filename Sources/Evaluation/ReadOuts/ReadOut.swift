public import NN
public import Torch

/// Makes one vector of an encoder's tokens, and is trained with the classifier behind it.
///
/// B images, T tokens, D width, D′ the length of the result.
public protocol ReadOut: Module, Layer {
    /// D′.
    var width: Int { get }

    /// `[B, T, D]` to the result `[B, D′]` and, for each of its M queries or heads, the weights of the
    /// tokens, `[B, M, T]`, which sum to 1.
    func withWeights(_ tokens: Tensor) -> (pooled: Tensor, weights: Tensor)
}

extension ReadOut {
    public func callAsFunction(_ tokens: Tensor) -> Tensor { withWeights(tokens).pooled }
}

/// Attention of a few queries to many tokens.
enum CrossAttention {
    /// softmax(q kᵀ / √d) v of every head, joined.
    ///
    /// H heads, d = D / H; M queries.
    ///
    /// - Parameters:
    ///   - q: `[B, M, D]`, or `[1, M, D]` for the same queries of all images.
    ///   - k: `[B, T, D]`.
    ///   - v: `[B, T, D]`.
    ///   - heads: H.
    /// - Returns: `[B, M, D]`, and the weights `[B, H, M, T]`.
    static func mix(_ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int) -> (Tensor, Tensor) {
        let (b, _, d) = v.shape3
        let scale = 1 / Double(d / heads).squareRoot()
        let weights = (split(q, heads) * scale)
            .matmul(split(k, heads).transposed(2, 3)).softmax(-1)
        let mixed = weights.matmul(split(v, heads))
        return (mixed.transposed(1, 2).reshaped(b, -1, d), weights)
    }

    private static func split(_ x: Tensor, _ heads: Int) -> Tensor {
        let (b, t, d) = x.shape3
        return x.reshaped(b, t, heads, d / heads).transposed(1, 2)
    }
}
