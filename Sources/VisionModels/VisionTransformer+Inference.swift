import Configuration
import NN

extension VisionTransformer.Config {
    /// The form of the encoder that a set of tensors with ViT names belongs to.
    ///
    /// What tensors there are tells the parts of the model, and their shapes its sizes. They do not
    /// tell ε of the norms, QuickGELU, rotary positions, how positions are resized, whether they are
    /// learned, nor always the image size and the number of heads: published widths have published
    /// numbers of heads, others one for every 64 channels.
    ///
    /// - Parameters:
    ///   - shapes: of the tensors, by name: `pos_embed`, `patch_embed.proj.weight`, `blocks.0.…`.
    ///   - heads: overrides the number of heads.
    ///   - adjust: sets what is known beside the shapes, before anything is validated.
    /// - Throws: `ConfigurationError` naming what is missing or contradictory.
    public init(
        inferredFrom shapes: [String: [Int]], heads: Int? = nil,
        adjust: (inout VisionTransformer.Config) -> Void = { _ in }
    ) throws {
        let tensors = TensorShapes(shapes, of: "a vision transformer")
        self.init()
        let kernel = try tensors.shape("patch_embed.proj.weight", rank: 4)
        (width, channels, patchSize) = (kernel[0], kernel[1], kernel[2])
        classToken = tensors.has("cls_token")
        distillationToken = tensors.has("dist_token")
        registers = try tensors.has("reg_token") ? tensors.shape("reg_token", rank: 3)[1] : 0
        masksPatches = tensors.has("masked_embed")
        patchBias = tensors.has("patch_embed.proj.bias")
        preNorm = tensors.has("norm_pre.weight")
        depth = tensors.count { "blocks.\($0).norm1.weight" }
        try inferBlock(tensors)
        try inferPositions(tensors)
        if tensors.has("fc_norm.weight") {
            (pooling, finalNorm) = (.mean, .pooled)
        } else {
            finalNorm = tensors.has("norm.weight") ? .tokens : .none
        }
        let published = [
            192: 3, 384: 6, 768: 12, 1024: 16, 1152: 16, 1280: 16, 1408: 16, 1536: 24, 1664: 16,
            4096: 32,
        ]
        self.heads =
            try heads ?? tensors.heads(width: width) ?? published[width] ?? max(1, width / 64)
        adjust(&self)
        guard positions != .none || attentionSeesPositions else {
            throw ConfigurationError.invalid(
                "pos_embed", found: "missing",
                expected:
                    "positions, a table of relative ones, or rotary ones, which no tensor shows",
                advice: tensors.contents)
        }
        try validate()
    }

    /// The parts of block 0, which all blocks share.
    private mutating func inferBlock(_ tensors: TensorShapes) throws {
        layerScale = tensors.has("blocks.0.gamma_1") ? 1 : nil
        qkvBias =
            tensors.has("blocks.0.attn.qkv.bias")
            ? .all : tensors.has("blocks.0.attn.q_bias") ? .queryAndValue : .none
        queryKeyNorm = tensors.has("blocks.0.attn.q_norm.weight")
        attentionNorm = tensors.has("blocks.0.attn.norm.weight")
        mlpNorm = tensors.has("blocks.0.mlp.norm.weight")
        mlp = tensors.has("blocks.0.mlp.w12.weight") ? .swiGLU : .gelu
        let hidden =
            try mlp == .swiGLU
            ? tensors.shape("blocks.0.mlp.w3.weight", rank: 2)[1]
            : tensors.shape("blocks.0.mlp.fc1.weight", rank: 2)[0]
        mlpRatio = Double(hidden) / Double(width)
    }

    /// Positions in the tokens and in attention, and the grid that they are made for.
    private mutating func inferPositions(_ tensors: TensorShapes) throws {
        if tensors.has("rel_pos_bias.\(TensorShapes.table)") {
            relativePositions = .shared
        } else if tensors.has("blocks.0.attn.\(TensorShapes.table)") {
            relativePositions = .perBlock
        }
        guard tensors.has("pos_embed") else {
            positions = .none
            guard relativePositions != .none else {
                // Nothing tells the size: the usual one, in whole patches.
                imageSize = max(224 / patchSize, 1) * patchSize
                return
            }
            return try inferGrid(fromTable: tensors)
        }
        let count = try tensors.shape("pos_embed", rank: 3)[1]
        // A grid is square, so the number of rows tells which tokens have one.
        for choice in PositionedTokens.allCases {
            positionedTokens = choice
            guard let grid = PatchGrid(squareOf: count - extraPositions) else { continue }
            imageSize = grid.rows * patchSize
            return
        }
        throw ConfigurationError.invalid(
            "pos_embed", found: "\(count) rows",
            expected: "a square grid of patches, with or without \(extraTokens) more tokens")
    }

    private mutating func inferGrid(fromTable tensors: TensorShapes) throws {
        let name =
            relativePositions == .shared
            ? "rel_pos_bias.\(TensorShapes.table)" : "blocks.0.attn.\(TensorShapes.table)"
        let rows = try tensors.shape(name, rank: 2)[0]
        guard let offsets = PatchGrid(squareOf: rows - extraRelativeRows), offsets.rows % 2 == 1
        else {
            throw ConfigurationError.invalid(
                name, found: "\(rows) rows",
                expected: "(2w − 1)² + \(extraRelativeRows) for a grid of w × w patches")
        }
        imageSize = (offsets.rows + 1) / 2 * patchSize
    }
}

extension TensorShapes {
    fileprivate static let table = "relative_position_bias_table"

    /// The number of heads, where a tensor with a part for each tells it.
    func heads(width: Int) throws -> Int? {
        for name in ["rel_pos_bias.\(Self.table)", "blocks.0.attn.\(Self.table)"] where has(name) {
            return try shape(name, rank: 2)[1]
        }
        guard has("blocks.0.attn.q_norm.weight") else { return nil }
        return try width / shape("blocks.0.attn.q_norm.weight", rank: 1)[0]
    }
}
