import Configuration
public import Data
public import NN
public import Torch
public import Training
public import VisionModels

/// StoP: Bar et al., *Stochastic Positional Embeddings Improve Masked Image Modeling* (2024): I-JEPA
/// that is not told exactly where its targets are.
///
/// A target token is ψ + A n + b with n ~ N(0, σ² I): a sample of N(ψ + b, σ² A Aᵀ) around the sines
/// and cosines ψ of its patch, differentiable in A. A and b are those that project the context
/// (section 4.2): with a matrix of its own A would shrink to zero, and with it the noise.
///
/// 1. draw target blocks and a context block without them
/// 2. encode the whole picture by the target encoder; normalise the mean of its last K blocks
/// 3. encode the context's patches alone, at their exact places
/// 4. predict each target's tokens from the context and noisy places
/// 5. L = mean of smooth L1; the target encoder follows the encoder
///
/// Shapes: B images, E contexts, P targets, N patches, K and M patches of a context and a target, D
/// encoder width, d predictor width.
public final class StoP: Module {
    public static let name = "stop"

    public let encoder: VisionTransformer
    public let predictor: Predictor
    public let targetEncoder: VisionTransformer
    /// A where it is not tied.
    let noiseEmbed: Linear?
    let config: Config
    private let average: MovingAverage

    public init(_ config: Config, backbone: VisionTransformer, generator: Generator) throws {
        self.config = config
        encoder = backbone
        encoder.initializeJointEmbedding(generator: generator)
        if config.rescalesInit { encoder.blocks.scaleOutputsByDepth() }
        predictor = try config.predictor(
            for: encoder, method: Self.name, learnsPositions: config.positions == .learned,
            generator: generator)
        noiseEmbed =
            config.positions == .stochastic && config.covariance == .free
            ? Linear(
                backbone.width, config.predictorWidth, bias: false, generator: generator) : nil
        targetEncoder = try encoder.frozenCopy()
        average = MovingAverage(of: encoder, in: targetEncoder)
        super.init()
        noiseEmbed?.initializeTruncatedNormal(std: 0.02, generator: generator)
    }

    /// The target encoder, which is the better one after training.
    public var backbone: VisionTransformer { targetEncoder }
}

// MARK: - The objective

extension StoP: PretrainingMethod {
    public static let publishedColumns = PublishedColumn.jointEmbedding(timed: false)

    public func loss(_ batch: ImageBatch, at step: Step) -> Losses {
        let blocks = batch.multiBlock(config.masks, on: encoder.maskGrid(of: batch.images))
        let masks = JointEmbeddingMasks(blocks, on: batch.images.device)
        return loss(batch.images, masks, noise: noise(for: batch, masks))
    }

    /// The loss of images `[B, C, H, W]` with given blocks and noise.
    func loss(_ images: Tensor, _ masks: JointEmbeddingMasks, noise: PositionNoise) -> Losses {
        let targets = self.targets(of: images)
        let loss = predict(images, masks, noise: noise).atLeastFloat32
            .smoothL1(ordered(masks, targets))
        return Losses(total: loss, parts: masks.sizes + targets.spread + noiseToPosition)
    }

    /// The normalised mean of the target encoder's last blocks, `[B, N, D]`.
    func targets(of images: Tensor) -> Tensor {
        noGrad {
            let blocks = targetEncoder.intermediateLayers(
                images, count: min(config.targetBlocks, targetEncoder.blockCount))
            return (blocks.count == 1 ? blocks[0] : stacked(blocks).mean(0)).normalizedTokens
        }
    }

    /// The predictions `[P·E·B, M, D]`.
    func predict(_ images: Tensor, _ masks: JointEmbeddingMasks, noise: PositionNoise) -> Tensor {
        predictor(
            encoder.encode(images, contexts: masks.contexts), at: masks.contexts,
            predicting: masks.targets, on: encoder.grid(of: images),
            asking: asking(noise), shift: noise.contexts.map(shift))
    }

    /// What a target's token has besides its position: noise, a mask token, both or nothing.
    func asking(_ noise: PositionNoise) -> Tensor? {
        let shifts = noise.targets.map(shift)
        guard config.addsMaskToken else { return shifts }
        return shifts.map { $0 + predictor.maskToken } ?? predictor.maskToken
    }

    /// A n + b, or what takes its place.
    private func shift(_ noise: Tensor) -> Tensor {
        switch config.covariance {
        case .tied: predictor.predictorEmbed(noise)
        case .free: noiseEmbed.map { $0(noise) } ?? noise
        case .identity: noise
        }
    }

    /// The targets in the order of the predictions, or as the authors' code lays them out.
    func ordered(_ masks: JointEmbeddingMasks, _ tokens: Tensor) -> Tensor {
        guard config.targetOrder == .imageFirst else { return masks.targetTokens(of: tokens) }
        let (e, m, d) = (masks.contexts.count, masks.targets[0].shape[1], tokens.shape[2])
        let rows = concatenated(masks.targets.map { tokens.selectingTokens($0) }, 0)  // [P·B, M, D]
        return rows.unsqueezed(1).expanded([rows.shape[0], e, m, d]).flattened(0, 1)
    }

    public func afterStep(_ step: Step) {
        average.update(momentum: config.momentum.linear(at: step))
    }

    public static var trainedEncoder: String { "encoder." }

    /// The norm of the encoder's gradients alone is limited.
    public static func isClipped(_ name: String) -> Bool { name.hasPrefix(trainedEncoder) }
}

// MARK: - Noise

/// The noise n of positions, with its standard deviation; nil for none.
struct PositionNoise {
    /// `[P·E·B, M, D]`; `[…, d]` with the identity as covariance.
    var targets: Tensor?
    /// `[E·B, K, D]` or `[…, d]`.
    var contexts: Tensor?
}

extension StoP {
    /// The noise of a batch: each picture's is a function of picture and epoch.
    func noise(for batch: ImageBatch, _ masks: JointEmbeddingMasks) -> PositionNoise {
        guard config.positions == .stochastic else { return PositionNoise() }
        let width = config.covariance == .identity ? config.predictorWidth : encoder.width
        let (e, p) = (masks.contexts.count, masks.targets.count)
        func draw(_ sequences: Int, _ tokens: Int, view: Int) -> Tensor {
            batch.normal(.method, [sequences, tokens, width], view: view)  // [B, sequences, …]
                .transposed(0, 1).flattened(0, 1) * config.noiseStd
        }
        var noise = PositionNoise()
        if config.noisyTokens != .contexts {
            noise.targets = draw(p * e, masks.targets[0].shape[1], view: 0)
        }
        if config.noisyTokens != .targets {
            noise.contexts = draw(e, masks.contexts[0].patches.shape[1], view: 1)
        }
        return noise
    }

    /// How long noise is beside positions, √(tr Σ) / √(d / 2), for the log: near 0 the learned A has done
    /// away with it, far above 1 it drowns them.
    private var noiseToPosition: [(name: String, value: Tensor)] {
        guard config.positions == .stochastic else { return [] }
        let d = config.predictorWidth
        let identity = Tensor.full([], Double(d), device: predictor.maskToken.device)
        let trace = noGrad { noiseWeight?.squared().sum() ?? identity }
        return [("noise_to_position", (trace / (Double(d) / 2)).sqrt() * config.noiseStd)]
    }

    /// A, `[d, D]`; nil where the identity is in its place.
    private var noiseWeight: Tensor? {
        switch config.covariance {
        case .identity: nil
        case .tied: predictor.predictorEmbed.weight
        case .free: noiseEmbed?.weight
        }
    }

    /// σ² A Aᵀ, the covariance of a noisy position, `[d, d]`.
    func positionCovariance() -> Tensor {
        let square =
            noiseWeight.map { $0.matmul($0.transposed()) }
            ?? Tensor.identity(config.predictorWidth, device: predictor.maskToken.device)
        return square * (config.noiseStd * config.noiseStd)
    }
}
