import NN
import Torch

/// Three convolutions beside a shortcut: He et al., *Deep Residual Learning for Image Recognition*
/// (2016), figure 5.
///
/// A stride is a pooling of means before the last convolution, and before that of the shortcut:
/// Zhang, *Making Convolutional Networks Shift-Invariant Again* (2019), as CLIP has it.
final class ResNetBottleneck: Module, Layer {
    let conv1: Convolution
    let bn1: BatchNorm
    let conv2: Convolution
    let bn2: BatchNorm
    let conv3: Convolution
    let bn3: BatchNorm
    let downsample: ResNetShortcut?
    private let stride: Int

    /// - Parameters:
    ///   - inputs: channels that come in; 4 · planes go out.
    ///   - planes: channels inside.
    ///   - stride: 1, or 2 for half the sides.
    ///   - generator: the source of the initial weights.
    init(_ inputs: Int, planes: Int, stride: Int, generator: Generator?) {
        func convolution(_ inputs: Int, _ outputs: Int, kernel: Int) -> Convolution {
            Convolution(
                inputs, outputs, kernel: kernel, padding: kernel / 2, bias: false,
                generator: generator)
        }
        conv1 = convolution(inputs, planes, kernel: 1)
        bn1 = BatchNorm(planes)
        conv2 = convolution(planes, planes, kernel: 3)
        bn2 = BatchNorm(planes)
        conv3 = convolution(planes, 4 * planes, kernel: 1)
        bn3 = BatchNorm(4 * planes)
        downsample =
            stride > 1 || inputs != 4 * planes
            ? ResNetShortcut(inputs, 4 * planes, stride: stride, generator: generator) : nil
        self.stride = stride
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        var y = bn1(conv1(x)).relu()
        y = bn2(conv2(y)).relu()
        if stride > 1 { y = y.averagePooled(stride) }
        y = bn3(conv3(y))
        return (y + (downsample.map { $0(x) } ?? x)).relu()
    }
}

/// The shortcut of a bottleneck that changes the size: pooling, a 1 × 1 convolution, a norm.
final class ResNetShortcut: Module, Layer {
    let conv: Convolution
    let norm: BatchNorm
    private let stride: Int

    override class var stateNames: [String: String] { ["conv": "0", "norm": "1"] }

    init(_ inputs: Int, _ outputs: Int, stride: Int, generator: Generator?) {
        conv = Convolution(inputs, outputs, kernel: 1, bias: false, generator: generator)
        norm = BatchNorm(outputs)
        self.stride = stride
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        norm(conv(stride > 1 ? x.averagePooled(stride) : x))
    }
}
