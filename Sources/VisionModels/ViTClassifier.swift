public import NN
public import Torch

/// A vision transformer with a linear classifier, as it is fine-tuned.
///
/// The features are the class token after the final norm, or with `meanPooling` in the encoder's
/// config the mean of the patch tokens, which no norm has touched, through `fc_norm`: He et al.,
/// *Masked Autoencoders Are Scalable Vision Learners* (2022), appendix A.1.
public final class ViTClassifier: Module {
    public let backbone: VisionTransformer
    public let head: Linear

    /// The encoder's tensors carry no prefix in checkpoints of classifiers.
    public override class var stateNames: [String: String] { ["backbone": ""] }

    /// - Parameters:
    ///   - backbone: with a class token or mean pooling, or both.
    ///   - classCount: the length of the logits.
    ///   - generator: the source of the head's initial weights, N(0, 0.02²).
    public init(_ backbone: VisionTransformer, classCount: Int, generator: Generator?) {
        require(
            backbone.config.classToken || backbone.config.meanPooling,
            "a classifier needs a class token or meanPooling")
        self.backbone = backbone
        head = Linear(backbone.width, classCount, generator: generator)
        head.initializeTruncatedNormal(std: 0.02, generator: generator)
    }

    /// What the head sees of images: `[B, C, H, W] -> [B, D]`.
    public func features(_ images: Tensor) -> Tensor {
        let tokens = backbone.encode(backbone.tokens(images))  // [B, T, D]
        return backbone.config.meanPooling ? backbone.pooled(tokens) : tokens[0..., 0]
    }

    /// The logits `[B, K]`.
    public func callAsFunction(_ images: Tensor) -> Tensor { head(features(images)) }
}
