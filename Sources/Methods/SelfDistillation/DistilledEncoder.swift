import Configuration
import NN
public import Torch
public import VisionModels

/// An encoder that DINO and iBOT can train: with a token for the picture and one for each patch.
public protocol DistilledEncoder: VisionEncoder {
    associatedtype Shape: DistilledModel

    var config: Shape { get }

    /// The picture's token, then the patches', after the final norm.
    ///
    /// - Parameters:
    ///   - images: `[B, C, H, W]`.
    ///   - mask: `[B, rows, columns]`, true where a patch is hidden; nil hides none.
    /// - Returns: `[B, 1 + N, D]`.
    func distilledTokens(_ images: Tensor, mask: Tensor?) -> Tensor

    /// Starts the weights as the published runs do.
    func initializeDistilled(generator: Generator?)
}

/// One that takes pictures of several sizes in one pass.
protocol PackingEncoder: DistilledEncoder {
    /// `distilledTokens` of each batch.
    func distilledTokens(packing batches: [(images: Tensor, mask: Tensor?)]) -> [Tensor]
}

/// The shape of an encoder that DINO and iBOT can train.
public protocol DistilledModel: EncoderConfiguration
where Encoder: DistilledEncoder, Encoder.Shape == Self {
    /// What iBOT on such a model is called in recipes and on the command line.
    static var ibotName: String { get }

    /// The smallest published one.
    static var publishedIBOT: Self { get }

    /// How long its training took.
    static var publishedIBOTEpochs: Double { get }

    /// Height and width of a patch in pixels.
    var patchSize: Int { get }

    /// Height and width in pixels of what is hidden as one.
    var maskUnit: Int { get }

    /// The probability to drop a branch of the last block.
    var dropPath: Double { get }

    /// Whether there is a token in place of hidden patches.
    var hidesPatches: Bool { get }

    /// The same without what the student alone has: drop path and the token of hidden patches.
    var teacher: Self { get }

    /// Throws `ConfigurationError` for a model without a token for the picture.
    func validateDistilled() throws
}

// MARK: - Vision transformers

extension VisionTransformer: PackingEncoder {
    public func distilledTokens(_ images: Tensor, mask: Tensor?) -> Tensor {
        withoutRegisters(self(images, mask: mask))
    }

    func distilledTokens(packing batches: [(images: Tensor, mask: Tensor?)]) -> [Tensor] {
        packed(batches).map(withoutRegisters)
    }

    /// Registers belong to nothing.
    private func withoutRegisters(_ tokens: Tensor) -> Tensor {
        guard extraTokens > 1 else { return tokens }
        return concatenated([tokens[0..., ..<1], tokens[0..., extraTokens...]], 1)
    }

    public func initializeDistilled(generator: Generator?) {
        initializeTruncatedNormal(generator: generator)
    }
}

extension VisionTransformer.Config: DistilledModel {
    public static var ibotName: String { "ibot" }

    /// ViT-S/16.
    public static var publishedIBOT: Self {
        var config = Self()
        (config.width, config.heads, config.patchSize) = (384, 6, 16)
        (config.positions, config.positionResize) = (.learned, .iBOT)
        (config.masksPatches, config.dropPath) = (true, 0.1)
        return config
    }

    public static var publishedIBOTEpochs: Double { 800 }
    public var maskUnit: Int { patchSize }
    public var hidesPatches: Bool { masksPatches }

    public var teacher: Self {
        var config = self
        (config.masksPatches, config.dropPath) = (false, 0)
        return config
    }

    public func validateDistilled() throws {
        guard classToken else {
            throw ConfigurationError.invalid(
                "model.classToken", found: "false", expected: "true",
                advice: "what the teacher says of the whole picture is read from it")
        }
    }
}

// MARK: - Swin transformers

extension SwinTransformer: DistilledEncoder {
    public func distilledTokens(_ images: Tensor, mask: Tensor?) -> Tensor {
        prependingMean(self(images, mask: mask))
    }

    /// Nothing: the model's own starting weights are the published ones.
    public func initializeDistilled(generator: Generator?) {}
}

extension SwinTransformer.Config: DistilledModel {
    public static var ibotName: String { "ibot-swin" }

    /// Swin-T with windows of 7.
    public static var publishedIBOT: Self {
        var config = Self()
        (config.maskedPatches, config.normEps, config.dropPath) = (.maskedEmbed, 1e-6, 0.1)
        return config
    }

    public static var publishedIBOTEpochs: Double { 300 }

    /// A cell of the last stage.
    public var maskUnit: Int { patchSize << (depths.count - 1) }
    public var hidesPatches: Bool { maskedPatches != .none }

    public var teacher: Self {
        var config = self
        (config.maskedPatches, config.dropPath) = (.none, 0)
        return config
    }

    public func validateDistilled() throws {}
}
