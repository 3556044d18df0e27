public import Torch

/// A gated network: W₃(silu(W₁ x) ⊙ W₂ x), silu(x) = x · σ(x).
///
/// Shazeer, *GLU Variants Improve Transformer* (2020), with biases. `w12` holds the rows of W₁, then
/// those of W₂, as in DINOv2's checkpoints; EVA-02 puts a layer norm before W₃.
public final class SwiGLU: Module, FeedForward {
    let w12: Linear  // [2 hidden, D]
    let norm: LayerNorm?
    let w3: Linear  // [D, hidden]

    /// - Parameters:
    ///   - width: D.
    ///   - hidden: the length of the gated vector.
    ///   - innerNorm: ε of the layer norm before W₃; nil for none.
    ///   - generator: the source of the initial weights.
    public init(_ width: Int, hidden: Int, innerNorm: Double? = nil, generator: Generator?) {
        w12 = Linear(width, 2 * hidden, generator: generator)
        norm = innerNorm.map { LayerNorm(hidden, eps: $0) }
        w3 = Linear(hidden, width, generator: generator)
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        let parts = w12(x).chunks(2, -1)
        let gated = parts[0].silu() * parts[1]
        return w3(norm.map { $0(gated) } ?? gated)
    }

    public var linearLayers: [Linear] { [w12, w3] }
}
