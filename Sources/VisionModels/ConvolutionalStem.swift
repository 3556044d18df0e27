public import Configuration
public import NN
public import Torch

/// Tokens from a few convolutions instead of one: Xiao et al., *Early Convolutions Help Transformers
/// See Better* (2021), as I-JEPA's code has it.
///
/// Convolutions of 3 × 3 with batch norm and ReLU, then one of 1 × 1 to the width of a token. A token sees
/// some pixels of the patches around its own.
public final class ConvolutionalStem: Module, PatchEmbedder {
    let stem: Sequential
    public let patchSize: Int
    public let channels: Int

    /// - Parameters:
    ///   - form: channels and strides of the convolutions.
    ///   - channels: of the images.
    ///   - width: D.
    ///   - generator: the source of the initial weights.
    public init(_ form: Form, channels: Int, width: Int, generator: Generator?) {
        let inputs = [channels] + form.channels
        let spatial = zip(zip(inputs, form.channels), form.strides).map { widths, stride in
            Convolution(
                widths.0, widths.1, kernel: 3, stride: stride, padding: 1, bias: false,
                generator: generator)
        }
        let last = Convolution(
            inputs[form.channels.count], width, kernel: 1, stride: form.strides.last ?? 1,
            generator: generator)
        let layers = zip(spatial, form.channels).flatMap { convolution, width -> [any Layer] in
            [convolution, BatchNorm(width), Activation { $0.relu() }]
        }
        stem = Sequential(layers + [last])
        patchSize = form.patchSize
        self.channels = channels
    }

    private var convolutions: [Convolution] { stem.children.compactMap { $0 as? Convolution } }

    /// The tokens themselves, which convolutions make of all patches at once.
    public func patches(of images: Tensor) -> Tensor { stem(images).flattened(2).transposed(1, 2) }

    public func callAsFunction(patches: Tensor) -> Tensor { patches }

    public func initializeXavier(generator: Generator?) {
        for convolution in convolutions {
            Init.xavierUniformInPlace(convolution.weight, generator: generator)
        }
    }

    public func initializeTruncatedNormal(std: Double, generator: Generator?) {
        for convolution in convolutions {
            Init.truncatedNormalInPlace(convolution.weight, std: std, generator: generator)
            noGrad { convolution.bias?.zeroInPlace() }
        }
    }
}

extension ConvolutionalStem {
    /// The convolutions of a stem.
    public struct Form: Configuration, Hashable {
        /// After each convolution of 3 × 3.
        public var channels = [48, 96, 192, 384]
        /// Of these, then of the last of 1 × 1; their product is the patch size.
        public var strides = [2, 2, 2, 2, 1]

        public init() {}

        public init(channels: [Int], strides: [Int]) {
            (self.channels, self.strides) = (channels, strides)
        }

        /// Height and width in pixels of what a token stands for.
        public var patchSize: Int { strides.reduce(1, *) }

        public static var documentation: [String: String] {
            [
                "channels": "after each convolution of 3 × 3",
                "strides": "of these, then of the last of 1 × 1; their product is the patch size",
            ]
        }

        public func validate() throws {
            guard (1...16).contains(channels.count), channels.allSatisfy((1...65536).contains)
            else {
                throw ConfigurationError.invalid(
                    "channels", found: "\(channels)", expected: "1 to 16 positive numbers")
            }
            guard strides.count == channels.count + 1, strides.allSatisfy((1...16).contains) else {
                throw ConfigurationError.invalid(
                    "strides", found: "\(strides)",
                    expected: "\(channels.count + 1) numbers from 1 to 16, one more than channels")
            }
        }
    }
}
