public import NN
public import Torch

/// An encoder that can be trained as a classifier of images.
public protocol ClassifiableEncoder: VisionEncoder {
    /// The sides of images are multiples of this, in pixels.
    var patchSize: Int { get }

    /// Whether the feature of an image is a mean of cells and nothing else.
    var poolsCells: Bool { get }

    /// What stands between a mean of cells and the feature, `[…, D] -> […, D]`: `fc_norm` where there
    /// is one.
    func normedFeature(_ mean: Tensor) -> Tensor
}

/// Any encoder with a head on what stands for the image, as it is fine-tuned.
///
/// The head is one linear layer, or any other function of the feature.
public final class EncoderClassifier<Encoder: ClassifiableEncoder>: Module, ImageClassifier {
    public let backbone: Encoder
    public let head: any Layer
    public let classCount: Int

    /// The encoder's tensors carry no prefix in checkpoints of classifiers.
    public override class var stateNames: [String: String] { ["backbone": ""] }

    /// - Parameters:
    ///   - backbone: the encoder.
    ///   - head: from features `[B, D]` to logits `[B, K]`.
    ///   - classCount: K.
    public init(_ backbone: Encoder, head: any Layer, classCount: Int) {
        (self.backbone, self.head, self.classCount) = (backbone, head, classCount)
    }

    /// - Parameters:
    ///   - backbone: the encoder.
    ///   - classCount: the length of the logits.
    ///   - bias: whether the classifier has one.
    ///   - std: of the head's initial weights, N(0, std²); its bias starts at 0.
    ///   - generator: their source.
    public convenience init(
        _ backbone: Encoder, classCount: Int, bias: Bool = true, std: Double = 0.02,
        generator: Generator?
    ) {
        let head = Linear(backbone.width, classCount, bias: bias, generator: generator)
        head.initializeTruncatedNormal(std: std, generator: generator)
        self.init(backbone, head: head, classCount: classCount)
    }

    public var encoder: any VisionEncoder { backbone }
    public var patchSize: Int { backbone.patchSize }
    public var seesMean: Bool { backbone.poolsCells }

    public func logits(ofMeans means: Tensor) -> Tensor { head(backbone.normedFeature(means)) }

    /// What the head sees of images: `[B, C, H, W] -> [B, D]`.
    public func features(_ images: Tensor) -> Tensor { backbone.feature(images) }

    /// The logits `[B, K]`.
    public func callAsFunction(_ images: Tensor) -> Tensor { head(features(images)) }
}

/// A Swin transformer with a linear classifier on the mean of its cells.
public typealias SwinClassifier = EncoderClassifier<SwinTransformer>

extension VisionTransformer: ClassifiableEncoder {
    public var patchSize: Int { config.patchSize }
    public var poolsCells: Bool { config.poolsPatches }

    /// `fc_norm` of a feature, where there is one.
    public func normedFeature(_ mean: Tensor) -> Tensor { fcNorm.map { $0(mean) } ?? mean }
}

extension SwinTransformer: ClassifiableEncoder {
    public var patchSize: Int { config.patchSize }
    public var poolsCells: Bool { true }
    public func normedFeature(_ mean: Tensor) -> Tensor { mean }
}
