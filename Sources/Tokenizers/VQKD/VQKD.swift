public import NN
public import Torch
public import VisionModels

/// The tokenizer of BEiT v2, vector-quantised knowledge distillation.
///
/// Peng et al., *BEiT v2: Masked Image Modeling with Vector-Quantized Visual Tokenizers* (2022),
/// section 3.1:
///
/// 1. a vision transformer and a small network give each patch a vector of C numbers
/// 2. the vector is replaced by the nearest of K codes, which is the patch's token
/// 3. a second, short transformer and network predict a teacher's features of the patches
/// 4. L = 1 − cos(prediction, teacher) + the quantiser's loss, means over patches
///
/// B pictures, N patches on a grid h × w, D width of the encoder, T of the teacher's features.
public final class VQKD: Module {
    public let encoder: VisionTransformer
    public let decoder: VisionTransformer
    public let quantize: VectorQuantizer
    let encodeTaskLayer: Sequential
    let decodeTaskLayer: Sequential
    public let config: Config

    public init(_ config: Config, generator: Generator?) throws {
        try config.validate()
        self.config = config
        encoder = try VisionTransformer(config.encoder, generator: generator)
        decoder = try VisionTransformer(config.decoder, generator: generator)
        quantize = VectorQuantizer(
            count: config.codeCount, width: config.codeWidth, decay: config.decay,
            beta: config.beta, generator: generator)
        encodeTaskLayer = Self.taskLayer(
            config.encoder.width, config.codeWidth, generator: generator)
        decodeTaskLayer = Self.taskLayer(
            config.decoder.width, config.teacherWidth, generator: generator)
        for model in [encoder, decoder] {
            model.initializeTruncatedNormal(generator: generator)
        }
    }

    /// Two linear layers with tanh between, started from N(0, 0.02²).
    private static func taskLayer(
        _ inputs: Int, _ outputs: Int, generator: Generator?
    ) -> Sequential {
        let layers = (
            Linear(inputs, inputs, generator: generator),
            Linear(inputs, outputs, generator: generator)
        )
        layers.0.initializeTruncatedNormal(std: 0.02, generator: generator)
        layers.1.initializeTruncatedNormal(std: 0.02, generator: generator)
        return Sequential(layers.0, Activation { $0.tanh() }, layers.1)
    }
}

// MARK: - Forward

extension VQKD {
    /// The vector of each patch before it is quantised: `[B, 3, H, W]`, as `pixels` gives them, to
    /// `[B, C, h, w]`.
    public func encode(_ pixels: Tensor) -> Tensor {
        let grid = encoder.grid(of: pixels)
        return encodeTaskLayer(encoder.patchFeatures(pixels)).transposed(1, 2)
            .reshaped(pixels.shape[0], config.codeWidth, grid.rows, grid.columns)
    }

    /// The prediction of the teacher's features: `[B, C, h, w] -> [B, N, T]`.
    public func decode(_ quantized: Tensor) -> Tensor {
        decodeTaskLayer(decoder.patchFeatures(quantized))
    }

    /// What training minimises, and its two parts.
    ///
    /// - Parameters:
    ///   - pixels: `[B, 3, H, W]`, as `pixels(_:)` gives them.
    ///   - target: the teacher's features of the same patches, `[B, N, T]`.
    /// - Returns: the sum, the quantiser's loss, and 1 − cos(prediction, target).
    public func loss(_ pixels: Tensor, target: Tensor) -> (
        total: Tensor, quantization: Tensor, reconstruction: Tensor
    ) {
        let (quantized, _, quantization) = quantize(encode(pixels))
        let reconstruction = Self.cosineLoss(decode(quantized), target)
        return (quantization + reconstruction, quantization, reconstruction)
    }

    /// The mean over patches of 1 − cos(prediction, target).
    public static func cosineLoss(_ prediction: Tensor, _ target: Tensor) -> Tensor {
        1 - (unit(prediction) * unit(target)).sum(-1).mean()
    }

    /// As the reference without an ε, which zero vectors alone would need.
    private static func unit(_ x: Tensor) -> Tensor { x / x.norm(-1, keepDim: true) }
}

// MARK: - As a tokenizer

extension VQKD: VisualTokenizer {
    public var codeCount: Int { config.codeCount }

    public func codes(_ pictures: Tensor) -> Tensor {
        quantize.codes(encode(config.pixels.prepared(pictures)))
    }
}

// MARK: - Checkpoints

extension VQKD {
    /// Without what published files hold beside the model: the teacher, the scaling of its pixels
    /// and the loss.
    public static func own<Value>(_ tensors: [String: Value]) -> [String: Value] {
        tensors.filter { name, _ in
            !["loss", "teacher", "scaling"].contains { name.hasPrefix($0) }
        }
    }
}
