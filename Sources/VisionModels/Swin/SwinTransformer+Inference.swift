import Configuration

extension SwinTransformer.Config {
    /// The form of the Swin that a set of tensors belongs to.
    ///
    /// What tensors there are tells the parts of the model, and their shapes its sizes. They do not
    /// tell ε of the norms. The image size is told by absolute positions, by saved masks, or by a last
    /// stage whose window is smaller than the first's; otherwise it is taken for the one whose last
    /// map is one window, which is so in all published models, such as 224 for windows of 7.
    ///
    /// - Parameters:
    ///   - shapes: of the tensors, by name: `patch_embed.proj.weight`, `layers.0.blocks.0.…`.
    ///   - adjust: sets what is known beside the shapes, before anything is validated.
    /// - Throws: `ConfigurationError` naming what is missing or contradictory.
    public init(
        inferredFrom shapes: [String: [Int]],
        adjust: (inout SwinTransformer.Config) -> Void = { _ in }
    ) throws {
        let tensors = TensorShapes(shapes, of: "a Swin transformer")
        func window(_ stage: Int) throws -> (side: Int, heads: Int) {
            let name = "layers.\(stage).blocks.0.attn.relative_position_bias_table"
            let table = try tensors.shape(name, rank: 2)
            guard let offsets = PatchGrid(squareOf: table[0]), offsets.rows % 2 == 1 else {
                throw ConfigurationError.invalid(
                    name, found: "\(table[0]) rows",
                    expected: "(2w − 1)² for a window of w × w patches")
            }
            return ((offsets.rows + 1) / 2, table[1])
        }

        self.init()
        let kernel = try tensors.shape("patch_embed.proj.weight", rank: 4)
        (width, channels, patchSize) = (kernel[0], kernel[1], kernel[2])
        patchNorm = tensors.has("patch_embed.norm.weight")
        (depths, heads) = ([], [])
        var sides: [Int] = []
        for stage in 0..<tensors.count({ "layers.\($0).blocks.0.norm1.weight" }) {
            let found = try window(stage)
            depths.append(tensors.count { "layers.\(stage).blocks.\($0).norm1.weight" })
            heads.append(found.heads)
            sides.append(found.side)
        }
        guard let last = sides.last else {
            _ = try tensors.shape("layers.0.blocks.0.norm1.weight", rank: 1)
            return
        }
        self.window = sides[0]
        let hidden = try tensors.shape("layers.0.blocks.0.mlp.fc1.weight", rank: 2)[0]
        mlpRatio = Double(hidden) / Double(width)
        qkvBias = tensors.has("layers.0.blocks.0.attn.qkv.bias")
        savesMasks = tensors.has(suffix: ".attn_mask")
        maskedPatches =
            tensors.has("masked_embed")
            ? .maskedEmbed : tensors.has("mask_token") ? .maskToken : .none
        imageSize = patchSize * last << (depths.count - 1)
        if tensors.has("absolute_pos_embed") {
            absolutePositions = true
            let count = try tensors.shape("absolute_pos_embed", rank: 3)[1]
            guard let grid = PatchGrid(squareOf: count) else {
                throw ConfigurationError.invalid(
                    "absolute_pos_embed", found: "\(count) rows",
                    expected: "a square grid of patches")
            }
            imageSize = grid.rows * patchSize
        } else if savesMasks, tensors.has("layers.0.blocks.1.attn_mask") {
            let count = try tensors.shape("layers.0.blocks.1.attn_mask", rank: 3)[0]
            if let windows = PatchGrid(squareOf: count) {
                imageSize = windows.rows * self.window * patchSize
            }
        }
        adjust(&self)
        try validate()
    }
}
