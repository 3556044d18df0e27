import Configuration
import NN
public import Torch
public import VisionModels

/// An encoder that SimMIM can train: all patches go in, hidden ones as a token.
public protocol SimMIMEncoder: VisionEncoder {
    associatedtype Shape: SimMIMModel

    var config: Shape { get }

    /// The cells after the final norm, without tokens before them.
    ///
    /// - Parameters:
    ///   - images: `[B, C, H, W]`.
    ///   - mask: `[B, rows, columns]` of patches, true where one is hidden.
    /// - Returns: `[B, N, D]`.
    func cells(_ images: Tensor, mask: Tensor) -> Tensor

    /// Starts the weights as the published runs do.
    func initializeSimMIM(generator: Generator?)
}

/// The shape of an encoder that SimMIM can train.
public protocol SimMIMModel: EncoderConfiguration
where Encoder: SimMIMEncoder, Encoder.Shape == Self {
    /// What SimMIM on such a model is called in recipes and on the command line.
    static var simMIMName: String { get }

    /// ViT-B/16, Swin-B.
    static var publishedSimMIM: Self { get }

    /// Names of matrices that weight decay spares.
    static var undecayed: Set<String> { get }

    /// Height and width of a patch in pixels.
    var patchSize: Int { get }

    /// Height and width in pixels of what a token after the last block stands for.
    var cellSize: Int { get }

    func validate() throws

    /// Throws `ConfigurationError` for a model without a token for hidden patches.
    func validateSimMIM() throws
}

// MARK: - Vision transformers

extension VisionTransformer: SimMIMEncoder {
    public func cells(_ images: Tensor, mask: Tensor) -> Tensor {
        self(images, mask: mask)[0..., extraTokens...]
    }

    /// N(0, 0.02²) cut at ±0.02, what writes to the residual stream divided by √(2 · block).
    public func initializeSimMIM(generator: Generator?) {
        initializeTruncatedNormal(generator: generator)
        patchEmbed.initializeTruncatedNormal(std: 0.02, generator: generator)
        noGrad {
            for (name, tensor) in namedParameters
            where tensor.rank > 1 && !name.hasSuffix("relative_position_bias_table") {
                Init.truncatedNormalInPlace(tensor, std: 0.02, bound: 0.02, generator: generator)
            }
        }
        blocks.scaleOutputsByDepth()
    }
}

extension VisionTransformer.Config: SimMIMModel {
    public static var simMIMName: String { "simmim" }

    public static var publishedSimMIM: Self {
        var config = Self()
        (config.positions, config.relativePositions) = (.none, .shared)
        (config.qkvBias, config.layerScale, config.dropPath) = (.queryAndValue, 0.1, 0.1)
        config.masksPatches = true
        return config
    }

    public static var undecayed: Set<String> { ["encoder.cls_token", "encoder.pos_embed"] }

    public var cellSize: Int { patchSize }

    public func validateSimMIM() throws {
        guard masksPatches else {
            throw ConfigurationError.invalid(
                "model.masksPatches", found: "false", expected: "true for simmim",
                advice: "hidden patches become a token")
        }
        guard finalNorm == .tokens else {
            throw ConfigurationError.invalid(
                "model.finalNorm", found: finalNorm.rawValue, expected: "tokens for simmim",
                advice: "its decoder needs every token after the final norm")
        }
    }
}

// MARK: - Swin transformers

extension SwinTransformer: SimMIMEncoder {
    public func cells(_ images: Tensor, mask: Tensor) -> Tensor { self(images, mask: mask) }

    /// Nothing: the model's own starting weights are the published ones.
    public func initializeSimMIM(generator: Generator?) {}
}

extension SwinTransformer.Config: SimMIMModel {
    public static var simMIMName: String { "simmim-swin" }

    /// Swin-B with windows of 6 on pictures of 192 pixels.
    public static var publishedSimMIM: Self {
        var config = Self()
        (config.imageSize, config.window, config.width) = (192, 6, 128)
        (config.depths, config.heads) = ([2, 2, 18, 2], [4, 8, 16, 32])
        (config.maskedPatches, config.dropPath) = (.maskToken, 0)
        return config
    }

    public static var undecayed: Set<String> {
        ["encoder.absolute_pos_embed", "encoder.mask_token"]
    }

    public var cellSize: Int { patchSize << (depths.count - 1) }

    public func validateSimMIM() throws {
        guard maskedPatches != .none else {
            throw ConfigurationError.invalid(
                "model.maskedPatches", found: "none", expected: "maskToken for simmim-swin",
                advice: "hidden patches become a token")
        }
    }
}
