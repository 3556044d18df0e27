public import Configuration
public import Torch

/// The shape of an encoder that a run can pre-train: its `model` section.
public protocol EncoderConfiguration: Configuration, Hashable {
    associatedtype Encoder: VisionEncoder

    /// Height and width in pixels of the images that the model is made for.
    var imageSize: Int { get }
    /// Channels of the images.
    var channels: Int { get }
    /// D, the length of a token after the last block.
    var featureWidth: Int { get }
    /// Whether training moves statistics of the model besides its weights, so that the parts of a batch
    /// have to follow one another.
    var hasRunningStatistics: Bool { get }
    /// The model in a few words, for people.
    var summary: String { get }

    /// A model of this shape with starting weights.
    ///
    /// - Parameter generator: the source of weights and of drop path.
    /// - Returns: the model.
    /// - Throws: `ConfigurationError` for settings that do not fit one another.
    func encoder(generator: Generator?) throws -> Encoder
}

extension EncoderConfiguration {
    public var hasRunningStatistics: Bool { false }
}

extension VisionTransformer.Config: EncoderConfiguration {
    public var hasRunningStatistics: Bool { stem != nil }
    public var featureWidth: Int { width }
    public var summary: String { "ViT of \(depth) blocks, \(width) wide, \(patchSize) px patches" }

    public func encoder(generator: Generator?) throws -> VisionTransformer {
        try VisionTransformer(self, generator: generator)
    }
}

extension SwinTransformer.Config: EncoderConfiguration {
    public var featureWidth: Int { lastWidth }
    public var summary: String {
        "Swin of \(depths.reduce(0, +)) blocks, \(width) to \(lastWidth) wide, windows of \(window)"
    }

    public func encoder(generator: Generator?) throws -> SwinTransformer {
        try SwinTransformer(self, generator: generator)
    }
}
