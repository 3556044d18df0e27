public import Torch

/// A linear layer without bias whose rows have a length of their own: `[…, in] -> […, out]`.
///
/// y_k = g_k v_k · x / ‖v_k‖: Salimans and Kingma, *Weight Normalization* (2016). g starts at 1, v
/// from PyTorch's distribution of linear layers, U(±1/√in).
public final class WeightNormLinear: Module, Layer {
    @Parameter public var weightG: Tensor  // [out, 1]
    @Parameter public var weightV: Tensor  // [out, in]

    public init(_ inputs: Int, _ outputs: Int, generator: Generator?) {
        let bound = inputs > 0 ? 1 / Double(inputs).squareRoot() : 0
        weightG = Init.ones([outputs, 1])
        weightV = Init.uniform([outputs, inputs], -bound, bound, generator: generator)
    }

    /// The matrix that vectors are multiplied with, `[out, in]`.
    public var weight: Tensor { weightV * (weightG / weightV.norm(-1, keepDim: true)) }

    public func callAsFunction(_ x: Tensor) -> Tensor { x.linear(weight, nil) }
}
