public import Torch

/// y = x Wᵀ + b over the last dimension: `[…, in] -> […, out]`.
///
/// Weight and bias start from the uniform distribution on ±1/√in, PyTorch's default.
public final class Linear: Module, Layer {
    @Parameter public var weight: Tensor  // [out, in]
    @Parameter public var bias: Tensor?  // [out]

    public init(_ inputs: Int, _ outputs: Int, bias hasBias: Bool = true, generator: Generator?) {
        let bound = inputs > 0 ? 1 / Double(inputs).squareRoot() : 0
        weight = Init.uniform([outputs, inputs], -bound, bound, generator: generator)
        bias = hasBias ? Init.uniform([outputs], -bound, bound, generator: generator) : nil
    }

    public func callAsFunction(_ x: Tensor) -> Tensor { x.linear(weight, bias) }

    /// Draws the weight from Xavier's uniform distribution and sets the bias to zero.
    public func initializeXavier(generator: Generator?) {
        Init.xavierUniformInPlace(weight, generator: generator)
        noGrad { bias?.zeroInPlace() }
    }

    /// Draws the weight from the normal distribution cut at ±2 and sets the bias to zero.
    public func initializeTruncatedNormal(std: Double, generator: Generator?) {
        Init.truncatedNormalInPlace(weight, std: std, generator: generator)
        noGrad { bias?.zeroInPlace() }
    }
}
