public import Torch

/// γ · tanh(α x) + β, each channel with its own α, γ and β: bounded like a norm, but of every token by
/// itself and without statistics.
///
/// Zhu et al., *Transformers without Normalization* (2025), section 4, with one α for all channels;
/// Colton, *Elucidating the Role of Feature Normalization in IJEPA* (2025), with one for each.
public final class DynamicTanh: Module, Layer {
    @Parameter var alpha: Tensor  // [D]
    @Parameter var gamma: Tensor?  // [D]
    @Parameter var beta: Tensor?  // [D]

    /// - Parameters:
    ///   - width: D, the length of the last dimension.
    ///   - affine: whether there are γ and β, which start at 1 and 0; α starts at ½.
    public init(_ width: Int, affine: Bool = true) {
        alpha = .full([width], 0.5)
        gamma = affine ? Init.ones([width]) : nil
        beta = affine ? Init.zeros([width]) : nil
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        let bounded = (x * alpha).tanh()
        guard let gamma, let beta else { return bounded }
        return bounded * gamma + beta
    }
}
