public import NN
public import Torch

/// A convolution of `[B, C, H, W]` with a square kernel.
///
/// Weight and bias start from PyTorch's distribution, U(±1/√(C k²)).
public final class Convolution: Module, Layer {
    @Parameter public var weight: Tensor  // [out, in, k, k]
    @Parameter public var bias: Tensor?  // [out]
    private let stride: Int
    private let padding: Int

    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
        bias hasBias: Bool = true, generator: Generator?
    ) {
        let bound = 1 / Double(inputs * kernel * kernel).squareRoot()
        weight = Init.uniform(
            [outputs, inputs, kernel, kernel], -bound, bound, generator: generator)
        bias = hasBias ? Init.uniform([outputs], -bound, bound, generator: generator) : nil
        self.stride = stride
        self.padding = padding
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        x.conv2d(weight, bias, stride: stride, padding: padding)
    }
}
