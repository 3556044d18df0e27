import Configuration
public import Data
public import NN
public import Torch
public import Training
public import VisionModels

/// Masked autoencoder: He et al., *Masked Autoencoders Are Scalable Vision Learners* (2022).
///
/// 1. keep a random part of the patches, drop the rest                (section 3, "Masking")
/// 2. encode only what was kept                                       ("MAE encoder")
/// 3. put a learned token where a patch was dropped, decode them all  ("MAE decoder")
/// 4. L = mean over dropped patches of ‖x̂ − norm(x)‖² / P             ("Reconstruction target")
///
/// Shapes: B pictures, N patches, K kept, D encoder width, E decoder width, P = p·p·C numbers a
/// patch.
public final class MAE: Module, PretrainingMethod {
    public static let name = "mae"

    public let backbone: VisionTransformer
    let decoderEmbed: Linear
    @Parameter var maskToken: Tensor  // [1, 1, E]
    @Buffer var decoderPosEmbed: Tensor  // [1, 1 + N, E], fixed, but saved
    let decoderBlocks: [Block]
    let decoderNorm: LayerNorm
    let decoderPred: Linear
    let config: Config

    /// The encoder's tensors carry no prefix in MAE's checkpoints.
    override public class var stateNames: [String: String] { ["backbone": ""] }

    public init(_ config: Config, backbone: VisionTransformer, generator: Generator) throws {
        try config.validate(for: backbone.config)
        let (width, eps) = (config.decoderWidth, backbone.config.normEps)
        let p = backbone.config.patchSize
        self.config = config
        self.backbone = backbone
        decoderEmbed = Linear(backbone.width, width, generator: generator)
        maskToken = Init.normal([1, 1, width], std: 0.02, generator: generator)
        decoderPosEmbed = SinCosEmbedding.make(
            backbone.config.grid, width: width, classToken: true)
        decoderBlocks = (0..<config.decoderDepth).map { _ in
            Block(width, heads: config.decoderHeads, eps: eps, generator: generator)
        }
        decoderNorm = LayerNorm(width, eps: eps)
        decoderPred = Linear(width, p * p * backbone.config.channels, generator: generator)
        super.init()
        initialize(generator)
    }

    /// Linear layers and the patch projection from Xavier's uniform distribution with zero bias;
    /// the tokens from N(0, 0.02²), the patch projection's bias from PyTorch's default.
    private func initialize(_ generator: Generator) {
        backbone.initializeXavier(generator: generator)
        for block in decoderBlocks { block.initializeXavier(generator: generator) }
        decoderEmbed.initializeXavier(generator: generator)
        decoderPred.initializeXavier(generator: generator)
    }
}

// MARK: - The objective

extension MAE {
    public func loss(_ batch: ImageBatch, at step: Step) -> Losses {
        Losses(total: forward(batch.images, noise: noise(batch)).loss)
    }

    /// Everything that a step computes, for images `[B, C, H, W]` and noise `[B, N]`.
    package struct Forward {
        package let loss: Tensor  // scalar
        package let predicted: Tensor  // [B, N, P]
        package let target: Tensor  // [B, N, P]
        package let latent: Tensor  // [B, 1 + K, D]
        package let mask: RandomMask
    }

    package func forward(_ images: Tensor, noise: Tensor) -> Forward {
        let mask = RandomMask(noise: noise, ratio: config.maskRatio)
        let latent = encode(images, mask)  // [B, 1 + K, D]
        let predicted = decode(latent, mask, grid: backbone.grid(of: images))  // [B, N, P]
        let target = target(images)  // [B, N, P]
        let error = (predicted.to(dtype: .float32) - target).squared().mean(-1)  // [B, N]
        return Forward(
            loss: (error * mask.dropped).sum() / mask.dropped.sum(), predicted: predicted,
            target: target, latent: latent, mask: mask)
    }

    /// The encoder on the kept patches: the others are dropped before they cost anything.
    func encode(_ images: Tensor, _ mask: RandomMask) -> Tensor {
        let patches = backbone.patchTokens(images, keeping: mask.kept)  // [B, K, D]
        return backbone.encode(backbone.prependingClassToken(patches))
    }

    /// Fills the gaps with the mask token, restores the order, adds positions, decodes.
    func decode(_ latent: Tensor, _ mask: RandomMask, grid: PatchGrid) -> Tensor {
        let x = decoderEmbed(latent)  // [B, 1 + K, E]
        let (b, _, e) = x.shape3
        let gaps = maskToken.to(dtype: x.dtype).expanded([b, mask.gapCount, e])
        let all = concatenated([x[0..., 1...], gaps], 1).selectingTokens(mask.restore)  // [B, N, E]
        let positions = backbone.config.positionResize.apply(
            decoderPosEmbed, from: backbone.config.grid, to: grid, extraTokens: 1)
        var y = concatenated([x[0..., ..<1], all], 1) + positions
        for block in decoderBlocks { y = block(y) }
        return decoderPred(decoderNorm(y))[0..., 1...]  // without the class token
    }

    /// The numbers of each patch, each patch to zero mean and unit (unbiased) variance where so
    /// configured: `[B, N, P]`.
    func target(_ images: Tensor) -> Tensor {
        let x = patchify(images, patchSize: backbone.config.patchSize)
        guard config.normalizePixels else { return x }
        return (x - x.mean(-1, keepDim: true)) / deviation(x)
    }

    private func deviation(_ patches: Tensor) -> Tensor {
        (patches.variance(-1, keepDim: true) + 1e-6).sqrt()
    }

    private func noise(_ batch: ImageBatch) -> Tensor {
        batch.uniform(.mask, backbone.grid(of: batch.images).count)
    }
}

// MARK: - What it looks like

extension MAE: ReconstructingMethod {
    /// Predictions of normalised patches are given the mean and the deviation of the true ones,
    /// which the model never saw: without them there would be nothing to look at.
    public func reconstruct(_ batch: ImageBatch) -> Reconstruction {
        reconstruct(batch.images, noise: noise(batch))
    }

    package func reconstruct(_ images: Tensor, noise: Tensor) -> Reconstruction {
        let p = backbone.config.patchSize
        let grid = backbone.grid(of: images)
        let result = forward(images, noise: noise)
        var patches = result.predicted.to(dtype: .float32)
        if config.normalizePixels {
            let truth = patchify(images, patchSize: p)
            patches = patches * deviation(truth) + truth.mean(-1, keepDim: true)
        }
        let dropped = result.mask.dropped.unsqueezed(-1)  // [B, N, 1]
            .expanded([images.shape[0], grid.count, p * p])
        return Reconstruction(
            original: images, predicted: unpatchify(patches, patchSize: p, grid: grid),
            mask: unpatchify(dropped, patchSize: p, grid: grid))
    }
}
