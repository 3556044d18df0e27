public import NN
public import Torch

/// A Swin transformer with a linear classifier on the mean of its cells, as it is fine-tuned.
public final class SwinClassifier: Module, ImageClassifier {
    public let backbone: SwinTransformer
    public let head: Linear

    /// The encoder's tensors carry no prefix in checkpoints of classifiers.
    public override class var stateNames: [String: String] { ["backbone": ""] }

    /// - Parameters:
    ///   - backbone: the encoder.
    ///   - classCount: the length of the logits.
    ///   - bias: whether the classifier has one.
    ///   - generator: the source of the head's initial weights, N(0, 0.02²).
    public init(
        _ backbone: SwinTransformer, classCount: Int, bias: Bool = true, generator: Generator?
    ) {
        self.backbone = backbone
        head = Linear(backbone.width, classCount, bias: bias, generator: generator)
        head.initializeTruncatedNormal(std: 0.02, generator: generator)
    }

    public var encoder: any VisionEncoder { backbone }
    public var classCount: Int { head.weight.shape[0] }
    public var patchSize: Int { backbone.config.patchSize }

    public var seesMean: Bool { true }

    public func logits(ofMeans means: Tensor) -> Tensor { head(means) }

    /// What the head sees of images: `[B, C, H, W] -> [B, D]`.
    public func features(_ images: Tensor) -> Tensor { backbone.pooled(backbone(images)) }

    /// The logits `[B, K]`.
    public func callAsFunction(_ images: Tensor) -> Tensor { head(features(images)) }
}
