import Configuration
public import Data
public import NN
public import Torch
public import Training
public import VisionModels

/// I-JEPA: Assran et al., *Self-Supervised Learning from Images with a Joint-Embedding Predictive
/// Architecture* (2023).
///
/// 1. draw target blocks and a context block without them            (section 3, "Targets", "Context")
/// 2. encode the whole picture by the target encoder, without gradient; normalise every token
/// 3. encode the context's patches alone
/// 4. predict each target's tokens from the context and their places         ("Prediction")
/// 5. L = mean of smooth L1 of prediction and target
/// 6. the target encoder follows the encoder: θ̄ ← m θ̄ + (1 − m) θ             ("Loss")
///
/// Shapes: B images, E contexts, P targets, N patches, K and M patches of a context and a target, D
/// encoder width. Rows of predictions run over targets, then contexts, then images.
public final class IJEPA: Module {
    public static let name = "ijepa"

    public let encoder: VisionTransformer
    public let predictor: Predictor
    public let targetEncoder: VisionTransformer
    let config: Config
    private let average: MovingAverage

    public init(_ config: Config, backbone: VisionTransformer, generator: Generator) throws {
        self.config = config
        encoder = backbone
        encoder.initializeJointEmbedding(generator: generator)
        if config.rescalesInit { encoder.blocks.scaleOutputsByDepth() }
        predictor = try config.predictor(for: encoder, method: Self.name, generator: generator)
        targetEncoder = try encoder.frozenCopy()
        average = MovingAverage(of: encoder, in: targetEncoder)
    }

    /// The target encoder, which is the better one after training.
    public var backbone: VisionTransformer { targetEncoder }
}

// MARK: - The objective

extension IJEPA: PretrainingMethod {
    public static let publishedColumns = PublishedColumn.jointEmbedding(timed: true)

    public func loss(_ batch: ImageBatch, at step: Step) -> Losses {
        let blocks = batch.multiBlock(config.masks, on: encoder.maskGrid(of: batch.images))
        return loss(batch.images, JointEmbeddingMasks(blocks, on: batch.images.device))
    }

    /// The loss of images `[B, C, H, W]` with given blocks: E tensors of patches `[B, K]` that are seen,
    /// P tensors `[B, M]` of patches that are predicted.
    public func loss(_ images: Tensor, contexts: [Tensor], targets: [Tensor]) -> Losses {
        loss(images, JointEmbeddingMasks(contexts: contexts, targets: targets))
    }

    /// The loss of images `[B, C, H, W]` with the blocks of a sampler.
    func loss(_ images: Tensor, _ masks: JointEmbeddingMasks) -> Losses {
        let targets = self.targets(of: images)
        let loss = predict(images, masks).atLeastFloat32
            .smoothL1(masks.targetTokens(of: targets))
        return Losses(total: loss, parts: masks.sizes + targets.spread)
    }

    /// The normalised tokens of the target encoder, `[B, N, D]`.
    func targets(of images: Tensor) -> Tensor {
        noGrad { targetEncoder(images).normalizedTokens }
    }

    /// The predictions `[P·E·B, M, D]`.
    func predict(_ images: Tensor, _ masks: JointEmbeddingMasks) -> Tensor {
        let context = encoder.encode(images, contexts: masks.contexts)  // [E·B, K, D]
        return predictor(
            context, at: masks.contexts, predicting: masks.targets,
            on: encoder.grid(of: images), asking: predictor.maskToken)
    }

    public func afterStep(_ step: Step) {
        average.update(momentum: config.momentum.linear(at: step))
    }

    public static var trainedEncoder: String { "encoder." }
}
