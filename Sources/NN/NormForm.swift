/// Which layer stands in front of attention and of the network behind it.
public enum NormForm: String, Codable, Sendable, CaseIterable {
    case layerNorm
    /// Zhu et al., *Transformers without Normalization* (2025).
    case dynamicTanh

    /// The layer itself.
    ///
    /// - Parameter width: the length of the last dimension.
    /// - Returns: `LayerNorm`, with an ε of 1e-5, or `DynamicTanh`, with a scale and a shift.
    package func make(_ width: Int) -> any Layer {
        switch self {
        case .layerNorm: LayerNorm(width, eps: 1e-5)
        case .dynamicTanh: DynamicTanh(width)
        }
    }
}
