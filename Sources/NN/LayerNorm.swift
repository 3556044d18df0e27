public import Torch

/// Each vector of the last dimension at zero mean and unit variance, scaled and shifted.
///
/// y = (x − mean) / √(variance + eps) · weight + bias, the variance being the biased one.
public final class LayerNorm: Module, Layer {
    @Parameter public var weight: Tensor  // [D]
    @Parameter public var bias: Tensor  // [D]
    let eps: Double

    /// - Parameters:
    ///   - width: the length of the last dimension.
    ///   - eps: 1e-6 in vision transformers, 1e-5 in PyTorch and in Swin.
    public init(_ width: Int, eps: Double = 1e-6) {
        weight = Init.ones([width])
        bias = Init.zeros([width])
        self.eps = eps
    }

    public func callAsFunction(_ x: Tensor) -> Tensor { x.layerNorm(weight, bias, eps: eps) }
}
