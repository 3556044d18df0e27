public import NN
public import Torch

/// The vision transformer of Dosovitskiy et al., *An Image is Worth 16x16 Words* (2021), in the
/// forms that masked image modelling uses.
///
/// 1. embed patches, replace masked ones where a mask is given
/// 2. prepend the class token, add positions
/// 3. pre-norm blocks
/// 4. a final layer norm over all tokens, or `fc_norm` over the mean of the patch tokens
///
/// B images, C channels, N patches, T = N + 1 tokens with a class token, D width.
public final class VisionTransformer: Module {
    public let patchEmbed: PatchEmbedding
    @Parameter public var clsToken: Tensor?  // [1, 1, D]
    @Parameter var learnedPositions: Tensor?  // [1, T, D]
    @Buffer var fixedPositions: Tensor?  // [1, T, D]
    @Parameter public var maskedEmbed: Tensor?  // [1, D]
    public let blocks: [Block]
    let norm: LayerNorm?
    let fcNorm: LayerNorm?
    public let config: Config

    /// A fixed embedding is a buffer and a learned one a parameter, but both are `pos_embed`.
    public override class var stateNames: [String: String] {
        ["learnedPositions": "pos_embed", "fixedPositions": "pos_embed"]
    }

    public init(_ config: Config, generator: Generator?) throws {
        try config.validate()
        self.config = config
        let width = config.width
        let grid = config.grid
        patchEmbed = PatchEmbedding(
            patchSize: config.patchSize, channels: config.channels, width: width,
            generator: generator)
        clsToken =
            config.classToken ? Init.normal([1, 1, width], std: 0.02, generator: generator) : nil
        let tokenCount = grid.count + config.extraTokens
        switch config.positions {
        case .sinCos:
            fixedPositions = SinCosEmbedding.make(
                grid, width: width, classToken: config.classToken)
            learnedPositions = nil
        case .learned:
            learnedPositions = Init.normal([1, tokenCount, width], std: 0.02, generator: generator)
            fixedPositions = nil
        }
        maskedEmbed = config.masksPatches ? Init.zeros([1, width]) : nil
        blocks = DropPath.rates(depth: config.depth, last: config.dropPath).map { rate in
            Block(
                width, heads: config.heads, mlpRatio: config.mlpRatio,
                layerScale: config.layerScale, dropPath: rate, eps: config.normEps,
                generator: generator)
        }
        norm = config.meanPooling ? nil : LayerNorm(width, eps: config.normEps)
        fcNorm = config.meanPooling ? LayerNorm(width, eps: config.normEps) : nil
    }
}

// MARK: - Forward

extension VisionTransformer {
    /// The length of a token, D.
    public var width: Int { config.width }

    /// Tokens before the patches: the class token, if there is one.
    public var extraTokens: Int { config.extraTokens }

    /// The position embedding `[1, T, D]` for images of a size in pixels, resized where their grid
    /// is another one.
    public func positions(height: Int, width: Int) -> Tensor {
        guard let embedding = learnedPositions ?? fixedPositions else {
            fatalError("the model has no positions")
        }
        return config.positionResize.apply(
            embedding, from: config.grid, to: patchEmbed.grid(height: height, width: width),
            extraTokens: extraTokens, isSquare: height == width)
    }

    /// The positions of the patches of images `[B, C, H, W]`, without the class token's:
    /// `[1, N, D]`.
    public func patchPositions(of images: Tensor) -> Tensor {
        let (_, _, height, width) = images.shape4
        return positions(height: height, width: width)[0..., extraTokens...]
    }

    /// Patch tokens with their positions, without the class token: `[B, C, H, W] -> [B, N, D]`.
    public func patchTokens(_ images: Tensor) -> Tensor {
        patchEmbed(images) + patchPositions(of: images)
    }

    /// The tokens, with their positions, of the patches that `kept` `[B, K]` names: `[B, K, D]`.
    ///
    /// The others cost nothing.
    ///
    /// - Parameters:
    ///   - patches: the pixels of all patches as `patchify` lays them out, `[B, N, p·p·C]`.
    ///   - images: the same as `[B, C, H, W]`; their size chooses the positions.
    ///   - kept: indices of patches.
    /// - Returns: the tokens in the order of `kept`.
    public func patchTokens(_ patches: Tensor, of images: Tensor, keeping kept: Tensor) -> Tensor {
        patchEmbed(patches: patches.selectingTokens(kept))
            + patchPositions(of: images)[0].selectingRows(kept)
    }

    /// The class token, with its position, before the given patch tokens: `[B, K, D]` to
    /// `[B, 1 + K, D]`.
    public func prependingClassToken(_ patches: Tensor) -> Tensor {
        guard let clsToken, let embedding = learnedPositions ?? fixedPositions else {
            return patches
        }
        let token = (clsToken + embedding[0..., ..<1]).to(dtype: patches.dtype)
        return concatenated([token.expanded([patches.shape[0], 1, width]), patches], 1)
    }

    /// The blocks' input: class token and patches with positions.
    ///
    /// - Parameters:
    ///   - images: `[B, C, H, W]`.
    ///   - mask: `[B, rows, columns]`, true where the embedding is replaced by `masked_embed`.
    /// - Returns: `[B, T, D]`.
    public func tokens(_ images: Tensor, mask: Tensor? = nil) -> Tensor {
        var patches = patchEmbed(images)  // [B, N, D]
        if let mask {
            guard let maskedEmbed else { fatalError("the model was made without a masked_embed") }
            patches = mask.flattened(1).unsqueezed(-1).select(
                maskedEmbed.to(dtype: patches.dtype), else: patches)
        }
        return prependingClassToken(patches + patchPositions(of: images))
    }

    /// Blocks and final norm on given tokens: `[B, T, D] -> [B, T, D]`.
    public func encode(_ tokens: Tensor) -> Tensor {
        final(blocks.reduce(tokens) { $1($0) })
    }

    /// All tokens after the final norm.
    ///
    /// With mean pooling the norm is the identity and token 0 is replaced by `fc_norm` of the mean
    /// of the patch tokens.
    public func callAsFunction(_ images: Tensor, mask: Tensor? = nil) -> Tensor {
        let tokens = blocks.reduce(tokens(images, mask: mask)) { $1($0) }
        guard let fcNorm else { return final(tokens) }
        let pooled = fcNorm(tokens[0..., extraTokens...].mean(1)).unsqueezed(1)  // [B, 1, D]
        return concatenated([pooled, tokens[0..., extraTokens...]], 1)
    }

    /// The tokens after each of the last `count` blocks, through the final norm, earliest first.
    public func intermediateLayers(_ images: Tensor, count: Int) -> [Tensor] {
        blockOutputs(images).suffix(count).map(final)
    }

    /// The tokens after every block, without the final norm, earliest first.
    public func blockOutputs(_ images: Tensor) -> [Tensor] {
        var x = tokens(images)
        return blocks.map { block in
            x = block(x)
            return x
        }
    }

    /// The attention weights `[B, H, T, T]` of the last block.
    public func lastAttention(_ images: Tensor) -> Tensor {
        let x = blocks.dropLast().reduce(tokens(images)) { $1($0) }
        guard let last = blocks.last else { fatalError("the model has no block") }
        return last.withWeights(x).weights
    }

    /// The final layer norm; the identity in models with mean pooling.
    public func final(_ tokens: Tensor) -> Tensor { norm.map { $0(tokens) } ?? tokens }

    /// `fc_norm` of the mean of the patch tokens `[B, D]`, in models with mean pooling.
    public func pooled(_ tokens: Tensor) -> Tensor {
        let mean = tokens[0..., extraTokens...].mean(1)
        return fcNorm.map { $0(mean) } ?? mean
    }

    /// The grid of whole patches of images `[B, C, H, W]`.
    public func grid(of images: Tensor) -> PatchGrid {
        let (_, _, height, width) = images.shape4
        return patchEmbed.grid(height: height, width: width)
    }

    /// Starts every linear layer and the patch embedding from Xavier's uniform distribution with
    /// zero bias, and the class token from N(0, 0.02²), as MAE does.
    ///
    /// The bias of the patch embedding keeps PyTorch's distribution for convolutions.
    public func initializeXavier(generator: Generator?) {
        patchEmbed.initializeXavier(generator: generator)
        for block in blocks { block.initializeXavier(generator: generator) }
        noGrad { clsToken?.fillNormalInPlace(std: 0.02, generator: generator) }
    }

    /// Starts positions, class token and every linear weight from the normal distribution, and
    /// linear biases at zero, as ViT, DINO and iBOT do.
    ///
    /// Their truncation is at ±2, that is 100 standard deviations.
    public func initializeTruncatedNormal(std: Double = 0.02, generator: Generator?) {
        for tensor in [learnedPositions, clsToken].compactMap({ $0 }) {
            Init.truncatedNormalInPlace(tensor, std: std, generator: generator)
        }
        for block in blocks { block.initializeTruncatedNormal(std: std, generator: generator) }
    }
}
