/// Which layer stands in front of attention and of the network behind it.
public enum NormForm: String, Codable, Sendable, CaseIterable {
    case layerNorm
    /// Zhu et al., *Transformers without Normalization* (2025).
    case dynamicTanh

    /// The layer itself.
    ///
    /// - Parameters:
    ///   - width: the length of the last dimension.
    ///   - eps: of a layer norm.
    /// - Returns: `LayerNorm` or `DynamicTanh`, with a scale and a shift.
    package func make(_ width: Int, eps: Double = 1e-5) -> any Layer {
        switch self {
        case .layerNorm: LayerNorm(width, eps: eps)
        case .dynamicTanh: DynamicTanh(width)
        }
    }
}
