public import NN
public import Torch

/// The vision transformer of Dosovitskiy et al., *An Image is Worth 16x16 Words* (2021), in the
/// forms that masked image modelling uses.
///
/// 1. embed patches, replace masked ones where a mask is given
/// 2. prepend class, distillation and register tokens, add positions
/// 3. pre-norm blocks
/// 4. a final layer norm over all tokens (`norm`), or over the pooled feature (`fc_norm`)
///
/// `Config` holds what differs between families. B images, C channels, N patches, E tokens before
/// them (1 with a class token alone), T = E + N tokens, D width.
public final class VisionTransformer: Module {
    @Parameter public var clsToken: Tensor?  // [1, 1, D]
    @Parameter var distToken: Tensor?  // [1, 1, D]
    @Parameter var regToken: Tensor?  // [1, R, D]
    @Parameter var learnedPositions: Tensor?  // [1, T, D], fewer rows where not all have one
    @Buffer var fixedPositions: Tensor?  // the same
    @Parameter public var maskedEmbed: Tensor?  // [1, D]
    public let patchEmbed: any PatchEmbedder
    let relPosBias: RelativePositionBias?
    let normPre: LayerNorm?
    public let blocks: [Block]
    let norm: LayerNorm?
    let fcNorm: LayerNorm?
    public let config: Config
    private let places: AttentionPlaces

    /// A fixed embedding is a buffer and a learned one a parameter, but both are `pos_embed`.
    public override class var stateNames: [String: String] {
        ["learnedPositions": "pos_embed", "fixedPositions": "pos_embed"]
    }

    public init(_ config: Config, generator: Generator?) throws {
        try config.validate()
        self.config = config
        let width = config.width
        let drawn = { (count: Int) in
            Init.normal([1, count, width], std: 0.02, generator: generator)
        }
        let layerNorm = { (isPresent: Bool) in
            isPresent ? LayerNorm(width, eps: config.normEps) : nil
        }
        patchEmbed = config.patchEmbedder(generator: generator)
        clsToken = config.classToken ? drawn(1) : nil
        distToken = config.distillationToken ? drawn(1) : nil
        regToken = config.registers > 0 ? drawn(config.registers) : nil
        learnedPositions =
            config.positions == .learned ? drawn(config.extraPositions + config.grid.count) : nil
        fixedPositions = config.fixedPositions
        maskedEmbed = config.masksPatches ? Init.zeros([1, width]) : nil
        relPosBias =
            config.relativePositions == .shared
            ? RelativePositionBias(rows: config.relativeRows, heads: config.heads) : nil
        normPre = layerNorm(config.preNorm)
        blocks = DropPath.rates(depth: config.depth, last: config.dropPath).map { rate in
            config.block(dropPath: rate, generator: generator)
        }
        norm = layerNorm(config.finalNorm == .tokens)
        fcNorm = layerNorm(config.finalNorm == .pooled)
        places = AttentionPlaces(config)
    }
}

// MARK: - Tokens

extension VisionTransformer {
    /// The position embedding `[1, T, D]` for images of a size in pixels, resized where their grid
    /// is another one; without the rows of tokens that have no position.
    public func positions(height: Int, width: Int) -> Tensor {
        guard let embedding = learnedPositions ?? fixedPositions else {
            fatalError("the model has no positions")
        }
        return config.positionResize.apply(
            embedding, from: config.grid, to: patchEmbed.grid(height: height, width: width),
            extraTokens: config.extraPositions, isSquare: height == width)
    }

    /// The positions of the patches of images `[B, C, H, W]`, `[1, N, D]`; nil in models whose tokens
    /// have none.
    public func patchPositions(of images: Tensor) -> Tensor? {
        guard config.positions != .none else { return nil }
        let (_, _, height, width) = images.shape4
        return positions(height: height, width: width)[0..., config.extraPositions...]
    }

    /// Patch tokens with their positions, without the tokens before them: `[B, C, H, W]` to
    /// `[B, N, D]`.
    ///
    /// - Parameters:
    ///   - images: `[B, C, H, W]`.
    ///   - mask: `[B, rows, columns]`, true where the embedding is replaced by `masked_embed`.
    /// - Returns: `[B, N, D]`.
    public func patchTokens(_ images: Tensor, mask: Tensor? = nil) -> Tensor {
        var patches = patchEmbed(images)  // [B, N, D]
        if let mask {
            guard let maskedEmbed else { fatalError("the model was made without a masked_embed") }
            patches = mask.flattened(1).unsqueezed(-1).select(
                maskedEmbed.to(dtype: patches.dtype), else: patches)
        }
        return patchPositions(of: images).map { patches + $0 } ?? patches
    }

    /// The tokens, with their positions, of the patches that `kept` `[B, K]` names: `[B, K, D]`.
    ///
    /// The others cost nothing.
    ///
    /// - Parameters:
    ///   - patches: what `patchEmbed` takes from the images, `[B, N, F]`; of a linear embedding pixels as
    ///     `patchify` lays them out.
    ///   - images: `[B, C, H, W]`; their size chooses the positions.
    ///   - kept: indices of patches.
    /// - Returns: the tokens in the order of `kept`.
    public func patchTokens(_ patches: Tensor, of images: Tensor, keeping kept: Tensor) -> Tensor {
        let tokens = patchEmbed(patches: patches.selectingTokens(kept))
        return patchPositions(of: images).map { tokens + $0[0].selectingRows(kept) } ?? tokens
    }

    /// The blocks' input from patch tokens: class, distillation and register tokens, with their
    /// positions, before them; then `norm_pre` where there is one.
    ///
    /// - Parameter patches: with their positions, `[B, K, D]`.
    /// - Returns: `[B, E + K, D]`.
    public func prependingExtraTokens(_ patches: Tensor) -> Tensor {
        var tokens = patches
        if let extra = extraTokenRows {
            let rows = extra.to(dtype: patches.dtype)
                .expanded([patches.shape[0], extraTokens, width])
            tokens = concatenated([rows, patches], 1)
        }
        return beforeBlocks(tokens)
    }

    /// `norm_pre` of tokens, where there is one.
    func beforeBlocks(_ tokens: Tensor) -> Tensor { normPre.map { $0(tokens) } ?? tokens }

    /// The tokens before the patches, with the positions that they have: `[1, E, D]`.
    private var extraTokenRows: Tensor? {
        let parts = [clsToken, distToken, regToken].compactMap { $0 }
        guard let first = parts.first else { return nil }
        let rows = parts.count == 1 ? first : concatenated(parts, 1)
        let count = config.extraPositions
        guard count > 0, let embedding = learnedPositions ?? fixedPositions else { return rows }
        let positions = embedding[0..., ..<count]
        guard count < extraTokens else { return rows + positions }
        return concatenated([rows[0..., ..<count] + positions, rows[0..., count...]], 1)
    }

    /// The blocks' input: class and other extra tokens, then patches, all with positions.
    ///
    /// - Parameters:
    ///   - images: `[B, C, H, W]`.
    ///   - mask: `[B, rows, columns]`, true where the embedding is replaced by `masked_embed`.
    /// - Returns: `[B, T, D]`.
    public func tokens(_ images: Tensor, mask: Tensor? = nil) -> Tensor {
        prependingExtraTokens(patchTokens(images, mask: mask))
    }
}

// MARK: - Blocks

extension VisionTransformer {
    /// What attention has to know of the places of the tokens of images `[B, C, H, W]`; nil in models
    /// with positions in the tokens alone.
    public func attentionPositions(of images: Tensor) -> AttentionPositions? {
        guard config.attentionSeesPositions else { return nil }
        return places.positions(
            on: grid(of: images), device: images.device, shared: relPosBias)
    }

    /// Blocks and final norm on given tokens: `[B, T, D] -> [B, T, D]`.
    ///
    /// - Parameters:
    ///   - tokens: the blocks' input; of some of the patches only in models whose attention does not
    ///     see positions.
    ///   - positions: of an image with these tokens, `attentionPositions(of:)`.
    /// - Returns: every token, through `final`.
    public func encode(_ tokens: Tensor, at positions: AttentionPositions? = nil) -> Tensor {
        require(
            positions != nil || !config.attentionSeesPositions,
            "the model's attention has to be told where its tokens are")
        return final(blocks.reduce(tokens) { $1($0, at: positions) })
    }

    /// All tokens after the final norm.
    ///
    /// With `finalNorm: pooled` the norm is the identity and the class token is replaced by the pooled
    /// feature, as iBOT does.
    public func callAsFunction(_ images: Tensor, mask: Tensor? = nil) -> Tensor {
        withPooled(
            encode(tokens(images, mask: mask), at: attentionPositions(of: images)))
    }

    /// The same of images of several sizes, packed: every layer but attention runs once for all.
    ///
    /// - Parameter images: `[B, C, H, W]` each, with what is masked of them.
    /// - Returns: `[B, T, D]` each.
    public func packed(_ images: [(images: Tensor, mask: Tensor?)]) -> [Tensor] {
        let rows = TokenRows(images.map { tokens($0.images, mask: $0.mask) })
        return encode(rows, at: images.map { attentionPositions(of: $0.images) }).map(withPooled)
    }

    /// Blocks and final norm on sequences of several lengths.
    ///
    /// - Parameters:
    ///   - tokens: the blocks' input.
    ///   - positions: one for each of its parts.
    /// - Returns: its parts, `[B, T, D]` each.
    public func encode(_ tokens: TokenRows, at positions: [AttentionPositions?]) -> [Tensor] {
        let x = blocks.reduce(tokens) { $1($0, at: positions) }
        return x.with(final(x.rows)).parts
    }

    private func withPooled(_ tokens: Tensor) -> Tensor {
        guard fcNorm != nil, config.classToken else { return tokens }
        return concatenated([pooled(tokens).unsqueezed(1), tokens[0..., 1...]], 1)
    }

    /// The tokens after each of the last `count` blocks, through the final norm, earliest first.
    public func intermediateLayers(_ images: Tensor, count: Int) -> [Tensor] {
        lastBlocks(images, count: count).map(final)
    }

    /// The tokens after every block, without the final norm, earliest first.
    public func blockOutputs(_ images: Tensor) -> [Tensor] {
        lastBlocks(images, count: blocks.count)
    }

    /// The attention weights `[B, H, T, T]` of the last block.
    public func lastAttention(_ images: Tensor) -> Tensor {
        let positions = attentionPositions(of: images)
        let x = blocks.dropLast().reduce(tokens(images)) { $1($0, at: positions) }
        guard let last = blocks.last else { fatalError("the model has no block") }
        return last.traced(x, at: positions).weights
    }

    /// Runs images `[B, C, H, W]` through the blocks and shows what goes on in each, the first first.
    ///
    /// - Returns: the tokens after the last block, without the final norm.
    @discardableResult
    public func trace(_ images: Tensor, _ visit: (BlockTrace) throws -> Void) rethrows -> Tensor {
        let positions = attentionPositions(of: images)
        return try blocks.reduce(tokens(images)) { x, block in
            let trace = block.traced(x, at: positions)
            try visit(trace)
            return trace.output
        }
    }
}

// MARK: - As any encoder

extension VisionTransformer: VisionEncoder {
    public var imageSize: Int { config.imageSize }
    public var channels: Int { config.channels }
    /// The length of a token, D.
    public var width: Int { config.width }
    public var blockCount: Int { blocks.count }
    /// Tokens before the patches, E.
    public var extraTokens: Int { config.extraTokens }
    public var hasClassToken: Bool { config.classToken }

    public func grid(height: Int, width: Int) -> PatchGrid {
        patchEmbed.grid(height: height, width: width)
    }

    public func lastBlocks(_ images: Tensor, count: Int) -> [Tensor] {
        let positions = attentionPositions(of: images)
        var x = tokens(images)
        return blocks.enumerated().compactMap { index, block in
            x = block(x, at: positions)
            return index >= blocks.count - count ? x : nil
        }
    }

    /// The final layer norm; the identity in models whose norm is on the pooled feature.
    public func final(_ tokens: Tensor) -> Tensor { norm.map { $0(tokens) } ?? tokens }

    /// The class token or the mean of the patches, by `config.pooling`, through `fc_norm` where there
    /// is one: `[B, T, D] -> [B, D]`.
    public func pooled(_ tokens: Tensor) -> Tensor {
        let feature =
            config.poolsPatches ? tokens[0..., extraTokens...].mean(1) : tokens[0..., 0]
        return normedFeature(feature)
    }
}
