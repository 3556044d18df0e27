public import NN
public import Torch

/// A vision transformer with a linear classifier, as it is fine-tuned.
///
/// What the classifier sees is the encoder's `pooled`: the class token after the final norm, or the
/// mean of the patch tokens. With `finalNorm: pooled` no norm has touched them, and `fc_norm` follows:
/// He et al., *Masked Autoencoders Are Scalable Vision Learners* (2022), appendix A.1.
public final class ViTClassifier: Module {
    public let backbone: VisionTransformer
    public let head: Linear
    /// The classifier of the distillation token.
    public let headDist: Linear?

    /// The encoder's tensors carry no prefix in checkpoints of classifiers.
    public override class var stateNames: [String: String] { ["backbone": ""] }

    /// - Parameters:
    ///   - backbone: any but one without pooling.
    ///   - classCount: the length of the logits.
    ///   - bias: whether the classifier has one; CLIP's projection has not.
    ///   - generator: the source of the head's initial weights, N(0, 0.02²).
    public init(
        _ backbone: VisionTransformer, classCount: Int, bias: Bool = true, generator: Generator?
    ) {
        require(backbone.config.pooling != .none, "a classifier needs an encoder that pools")
        self.backbone = backbone
        func linear() -> Linear {
            let layer = Linear(backbone.width, classCount, bias: bias, generator: generator)
            layer.initializeTruncatedNormal(std: 0.02, generator: generator)
            return layer
        }
        head = linear()
        headDist = backbone.config.distillationToken ? linear() : nil
    }

    /// What the head sees of images: `[B, C, H, W] -> [B, D]`.
    public func features(_ images: Tensor) -> Tensor { backbone.pooled(tokens(images)) }

    /// The logits `[B, K]`.
    ///
    /// With a distillation token the mean of both classifiers': Touvron et al., *Training
    /// data-efficient image transformers & distillation through attention* (2021), section 4.
    public func callAsFunction(_ images: Tensor) -> Tensor {
        let tokens = tokens(images)
        let logits = head(backbone.pooled(tokens))
        guard let headDist else { return logits }
        return (logits + headDist(tokens[0..., backbone.config.classToken ? 1 : 0])) / 2
    }

    private func tokens(_ images: Tensor) -> Tensor {
        backbone.encode(
            backbone.tokens(images), at: backbone.attentionPositions(of: images))
    }
}
