public import NN
public import Torch

/// A vision transformer with a linear classifier, as it is fine-tuned.
///
/// What the classifier sees is the encoder's `pooled`: the class token after the final norm, or the
/// mean of the patch tokens. With `finalNorm: pooled` no norm has touched them, and `fc_norm` follows:
/// He et al., *Masked Autoencoders Are Scalable Vision Learners* (2022), appendix A.1.
public final class ViTClassifier: Module, ImageClassifier {
    public let backbone: VisionTransformer
    public let head: Linear
    /// The classifier of the distillation token.
    public let headDist: Linear?
    /// Whether the mean of the patches follows the class token in what the head sees: DINOv2.
    private let joinsMean: Bool

    /// The encoder's tensors carry no prefix in checkpoints of classifiers.
    public override class var stateNames: [String: String] { ["backbone": ""] }

    /// - Parameters:
    ///   - backbone: any but one without pooling.
    ///   - classCount: the length of the logits.
    ///   - bias: whether the classifier has one; CLIP's projection has not.
    ///   - distillation: whether a distillation token has a classifier of its own.
    ///   - joinsMean: whether the head sees the class token and behind it the mean of the patches,
    ///     both after the final norm, `[B, 2D]`: the linear classifiers of Oquab et al., *DINOv2*
    ///     (2023).
    ///   - generator: the source of the head's initial weights, N(0, 0.02²).
    public init(
        _ backbone: VisionTransformer, classCount: Int, bias: Bool = true,
        distillation: Bool = true, joinsMean: Bool = false, generator: Generator?
    ) {
        require(backbone.config.pooling != .none, "a classifier needs an encoder that pools")
        require(
            !joinsMean || backbone.config.classToken && backbone.config.finalNorm == .tokens,
            "only tokens after a norm, with a class token, are joined with their mean")
        self.backbone = backbone
        self.joinsMean = joinsMean
        func linear(_ width: Int) -> Linear {
            let layer = Linear(width, classCount, bias: bias, generator: generator)
            layer.initializeTruncatedNormal(std: 0.02, generator: generator)
            return layer
        }
        head = linear(joinsMean ? 2 * backbone.width : backbone.width)
        headDist =
            backbone.config.distillationToken && distillation ? linear(backbone.width) : nil
    }

    public var encoder: any VisionEncoder { backbone }
    public var classCount: Int { head.weight.shape[0] }
    public var patchSize: Int { backbone.config.patchSize }

    public var seesMean: Bool { backbone.config.poolsPatches && !joinsMean && headDist == nil }

    public func logits(ofMeans means: Tensor) -> Tensor { head(backbone.normedFeature(means)) }

    /// What the head sees of images: `[B, C, H, W] -> [B, D]`, or `[B, 2D]` with `joinsMean`.
    public func features(_ images: Tensor) -> Tensor { seen(tokens(images)) }

    /// The logits `[B, K]`.
    ///
    /// With a distillation token the mean of both classifiers': Touvron et al., *Training
    /// data-efficient image transformers & distillation through attention* (2021), section 4.
    public func callAsFunction(_ images: Tensor) -> Tensor {
        let tokens = tokens(images)
        let logits = head(seen(tokens))
        guard let headDist else { return logits }
        return (logits + headDist(tokens[0..., backbone.config.classToken ? 1 : 0])) / 2
    }

    /// What the head sees of tokens after the final norm.
    private func seen(_ tokens: Tensor) -> Tensor {
        guard joinsMean else { return backbone.pooled(tokens) }
        let mean = tokens[0..., backbone.extraTokens...].mean(1)
        return concatenated([tokens[0..., 0], mean], 1)
    }

    private func tokens(_ images: Tensor) -> Tensor {
        backbone.encode(
            backbone.tokens(images), at: backbone.attentionPositions(of: images))
    }
}
