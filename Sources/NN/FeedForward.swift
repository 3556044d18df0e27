import Torch

/// The second half of a transformer block, a small network on each token: `[…, D] -> […, D]`.
public protocol FeedForward: Module, Layer {
    /// The layers whose weights are drawn at the start, the one that writes the output last.
    var linearLayers: [Linear] { get }
}

/// Which network the second half of a block is.
public enum FeedForwardForm: String, Codable, Sendable, CaseIterable {
    /// Two layers with GELU between: ViT and most others.
    case gelu
    /// The same with x · σ(1.702 x) for GELU: CLIP.
    case quickGELU
    /// A gated one: DINOv2's largest, DINOv3's larger ones, EVA-02.
    case swiGLU
}

extension FeedForwardForm {
    /// The network itself.
    ///
    /// - Parameters:
    ///   - width: D.
    ///   - hidden: the length between the layers.
    ///   - innerNorm: ε of a layer norm before the last layer; nil for none.
    ///   - generator: the source of the initial weights.
    /// - Returns: `Mlp` or `SwiGLU`.
    func make(
        _ width: Int, hidden: Int, innerNorm: Double?, generator: Generator?
    ) -> any FeedForward {
        switch self {
        case .gelu:
            return Mlp(width, hidden: hidden, generator: generator)
        case .quickGELU:
            return Mlp(width, hidden: hidden, activation: QuickGELU(), generator: generator)
        case .swiGLU:
            return SwiGLU(width, hidden: hidden, innerNorm: innerNorm, generator: generator)
        }
    }
}
