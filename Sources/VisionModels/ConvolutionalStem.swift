public import NN
public import Torch

/// Tokens from a few convolutions instead of one: Xiao et al., *Early Convolutions Help Transformers
/// See Better* (2021), as I-JEPA's code has it.
///
/// Convolutions of 3 × 3 with batch norm and ReLU, then one of 1 × 1 to the width of a token.
public final class ConvolutionalStem: Module {
    let stem: Sequential

    /// - Parameters:
    ///   - channels: of the images, then after each convolution; the last is D.
    ///   - strides: of each convolution.
    ///   - generator: the source of the initial weights.
    public init(channels: [Int], strides: [Int], generator: Generator?) {
        require(
            channels.count == strides.count + 1 && strides.count > 0,
            "\(strides.count) convolutions have \(strides.count + 1) numbers of channels, found "
                + "\(channels.count)")
        var layers: [any Layer] = []
        for (index, stride) in strides.dropLast().enumerated() {
            let width = channels[index + 1]
            layers += [
                Convolution(
                    channels[index], width, kernel: 3, stride: stride, padding: 1, bias: false,
                    generator: generator),
                BatchNorm(width), Activation { $0.relu() },
            ]
        }
        layers.append(
            Convolution(
                channels[strides.count - 1], channels[strides.count], kernel: 1,
                stride: strides[strides.count - 1], generator: generator))
        stem = Sequential(layers)
    }

    /// `[B, C, H, W] -> [B, N, D]`, row by row.
    public func callAsFunction(_ images: Tensor) -> Tensor {
        stem(images).flattened(2).transposed(1, 2)
    }
}
