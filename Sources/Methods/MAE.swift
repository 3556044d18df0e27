import Configuration
public import Data
public import NN
public import Torch
public import Training
public import VisionModels

/// Masked autoencoder: He et al., *Masked Autoencoders Are Scalable Vision Learners* (2022).
///
/// 1. keep a random quarter of the patches, drop the rest           (section 3, "Masking")
/// 2. encode only what was kept                                     ("MAE encoder")
/// 3. put a learned token where a patch was dropped, decode them all  ("MAE decoder")
/// 4. L = mean over dropped patches of ‖x̂ − norm(x)‖² / P            ("Reconstruction target")
///
/// Shapes: B images, N patches, K kept, M = N − K dropped, D encoder width, E decoder width,
/// P = p·p·C values a patch.
public final class MAE: Module {
    public static let name = "mae"

    public let backbone: VisionTransformer
    let decoderEmbed: Linear
    @Parameter var maskToken: Tensor  // [1, 1, E]
    @Buffer var decoderPosEmbed: Tensor  // [1, 1 + N, E]  fixed, but saved
    let decoderBlocks: [Block]
    let decoderNorm: LayerNorm
    let decoderPred: Linear
    let config: Config

    /// The encoder's tensors carry no prefix in MAE's checkpoints.
    public override class var stateNames: [String: String] { ["backbone": ""] }

    public init(_ config: Config, backbone: VisionTransformer, generator: Generator) throws {
        let encoder = backbone.config
        try config.validate(for: encoder)
        self.config = config
        self.backbone = backbone
        let width = config.decoderWidth
        decoderEmbed = Linear(encoder.width, width, generator: generator)
        maskToken = Init.zeros([1, 1, width])
        decoderPosEmbed = SinCosEmbedding.make(
            encoder.grid, width: width, classToken: encoder.classToken)
        decoderBlocks = (0..<config.decoderDepth).map { _ in
            Block(
                width, heads: config.decoderHeads, mlpRatio: encoder.mlpRatio,
                eps: encoder.normEps, generator: generator)
        }
        decoderNorm = LayerNorm(width, eps: encoder.normEps)
        decoderPred = Linear(
            width, encoder.patchSize * encoder.patchSize * encoder.channels, generator: generator)
        super.init()
        initialize(generator: generator)
    }

    /// The starting weights: Xavier's for every linear layer and the patch embedding, N(0, 0.02²)
    /// for class and mask token.
    public func initialize(generator: Generator) {
        backbone.initializeXavier(generator: generator)
        for layer in [decoderEmbed, decoderPred] { layer.initializeXavier(generator: generator) }
        for block in decoderBlocks { block.initializeXavier(generator: generator) }
        noGrad { maskToken.fillNormalInPlace(std: 0.02, generator: generator) }
    }
}

// MARK: - The objective

extension MAE: PretrainingMethod {
    public func loss(_ batch: ImageBatch, at step: Step) -> Losses {
        let noise = batch.uniform(.mask, backbone.grid(of: batch.images).count)
        return Losses(total: loss(batch.images, noise: noise))
    }

    /// The loss of images `[B, C, H, W]`, of whose patches those with the largest `noise` `[B, N]`
    /// are dropped.
    public func loss(_ images: Tensor, noise: Tensor) -> Tensor {
        let patches = patchify(images, patchSize: backbone.config.patchSize)  // [B, N, P]
        let mask = RandomMask(noise: noise, ratio: config.maskRatio)
        let latent = encode(patches, of: images, mask)  // [B, 1 + K, D]
        let decoded = decode(latent, of: images, mask)[0..., (-mask.gapCount)...]  // [B, M, E]
        let predicted = decoderPred(decoderNorm(decoded))  // [B, M, P]
        return predicted.meanSquaredError(target(patches.selectingTokens(mask.removed)))
    }

    /// The encoder on the kept patches, the only ones it embeds: `[B, N, P] -> [B, 1 + K, D]`.
    func encode(_ patches: Tensor, of images: Tensor, _ mask: RandomMask) -> Tensor {
        let tokens = backbone.patchTokens(patches, of: images, keeping: mask.kept)  // [B, K, D]
        return backbone.encode(backbone.prependingExtraTokens(tokens))
    }

    /// The decoder's blocks on what was encoded and a mask token for each gap:
    /// `[B, 1 + K, D] -> [B, 1 + N, E]`.
    ///
    /// The tokens keep the order of the mask, kept patches before dropped ones, each with the
    /// position of its patch. Attention does not see the order, so nothing has to be put back, and
    /// the loss finds the dropped patches side by side.
    func decode(_ latent: Tensor, of images: Tensor, _ mask: RandomMask) -> Tensor {
        let x = decoderEmbed(latent)  // [B, 1 + K, E]
        let gaps = maskToken.expanded([x.shape[0], mask.gapCount, config.decoderWidth])
        let tokens = concatenated([x, gaps], 1) + decoderPositions(of: images, mask)
        return decoderBlocks.reduce(tokens) { $1($0) }
    }

    /// The decoder's positions in the order of the mask, the class token's first: `[B, 1 + N, E]`.
    private func decoderPositions(of images: Tensor, _ mask: RandomMask) -> Tensor {
        let positions = backbone.config.positionResize.apply(
            decoderPosEmbed, from: backbone.config.grid, to: backbone.grid(of: images),
            extraTokens: backbone.extraTokens)[0]
        guard backbone.config.classToken else { return positions.selectingRows(mask.order) }
        let first = Tensor.zeros([mask.order.shape[0], 1], dtype: .int64, device: images.device)
        return positions.selectingRows(concatenated([first, mask.order + Tensor(scalar: 1)], 1))
    }

    /// The target of patches `[…, P]`: their pixels, or each patch at zero mean and unit (unbiased)
    /// variance, (x − mean) / √(variance + 1e-6).
    func target(_ patches: Tensor) -> Tensor {
        guard config.normalizePixels else { return patches }
        // Layer norm divides by the biased variance, s² times the unbiased one, in one pass over
        // memory where the formula as it stands takes five.
        let count = Double(patches.shape[patches.rank - 1])
        let s = ((count - 1) / count).squareRoot()
        return patches.layerNorm(nil, nil, eps: 1e-6 * s * s) * s
    }
}

// MARK: - The whole picture

extension MAE: ReconstructingMethod {
    /// Predicts the pixels of every patch, also of those that were kept.
    ///
    /// A model of normalised patches predicts neither their mean nor their contrast: both are taken
    /// from the original, so its pictures are better than what it knows.
    public func reconstruct(_ batch: ImageBatch) -> Reconstruction {
        let noise = batch.uniform(.mask, backbone.grid(of: batch.images).count)
        return reconstruct(batch.images, noise: noise)
    }

    /// `reconstruct` of images `[B, C, H, W]` with the noise `[B, N]` of their patches.
    public func reconstruct(_ images: Tensor, noise: Tensor) -> Reconstruction {
        noGrad {
            let size = backbone.config.patchSize
            let grid = backbone.grid(of: images)
            let (_, predicted, mask) = predict(images, noise: noise)
            var pixels = predicted  // [B, N, P]
            if config.normalizePixels {
                let original = patchify(images, patchSize: size)
                pixels =
                    predicted * (original.variance(-1, keepDim: true) + 1e-6).sqrt()
                    + original.mean(-1, keepDim: true)
            }
            let dropped = mask.dropped.unsqueezed(-1).expanded([-1, -1, size * size])
            return Reconstruction(
                original: images, predicted: unpatchify(pixels, patchSize: size, grid: grid),
                mask: unpatchify(dropped, patchSize: size, grid: grid))
        }
    }

    /// The latent tokens `[B, 1 + K, D]`, the prediction `[B, N, P]` of every patch in the order of
    /// the picture, and the mask.
    package func predict(_ images: Tensor, noise: Tensor) -> (
        latent: Tensor, predicted: Tensor, mask: RandomMask
    ) {
        let patches = patchify(images, patchSize: backbone.config.patchSize)
        let mask = RandomMask(noise: noise, ratio: config.maskRatio)
        let latent = encode(patches, of: images, mask)
        let decoded = decode(latent, of: images, mask)[0..., backbone.extraTokens...]
        return (latent, decoderPred(decoderNorm(decoded)).selectingTokens(mask.restore), mask)
    }
}
