import NN
import Torch

/// A convolution whose output is as large as its input, with DALL-E's names `w` and `b`.
///
/// The weight starts from N(0, 1 / (in k²)), the bias at zero.
final class SameConvolution: Module, Layer {
    @Parameter var w: Tensor  // [out, in, k, k]
    @Parameter var b: Tensor  // [out]

    init(_ inputs: Int, _ outputs: Int, kernel: Int, generator: Generator?) {
        w = Init.normal(
            [outputs, inputs, kernel, kernel],
            std: 1 / Double(inputs * kernel * kernel).squareRoot(), generator: generator)
        b = Init.zeros([outputs])
    }

    func callAsFunction(_ x: Tensor) -> Tensor { x.conv2d(w, b, padding: w.shape[2] / 2) }
}
