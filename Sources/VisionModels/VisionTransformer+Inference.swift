import Configuration

extension VisionTransformer.Config {
    /// The shape of the encoder that a set of tensors with ViT names belongs to.
    ///
    /// Everything but the number of heads follows from the shapes; published widths have published
    /// numbers of heads, and others one for every 64 channels.
    ///
    /// - Parameters:
    ///   - shapes: of the tensors, by name: `pos_embed`, `patch_embed.proj.weight`, `blocks.0.…`.
    ///   - heads: overrides the number of heads.
    /// - Throws: `ConfigurationError` naming what is missing or contradictory.
    public init(inferredFrom shapes: [String: [Int]], heads: Int? = nil) throws {
        func shape(_ name: String, rank: Int) throws -> [Int] {
            guard let shape = shapes[name] else {
                throw ConfigurationError.invalid(
                    name, found: "missing", expected: "a tensor of a vision transformer",
                    advice:
                        "the file holds \(shapes.keys.sorted().prefix(4).joined(separator: ", ")), …"
                )
            }
            guard shape.count == rank, shape.allSatisfy({ $0 > 0 }) else {
                throw ConfigurationError.invalid(
                    name, found: "\(shape)", expected: "\(rank) dimensions")
            }
            return shape
        }
        self.init()
        let kernel = try shape("patch_embed.proj.weight", rank: 4)
        let positions = try shape("pos_embed", rank: 3)
        (width, channels, patchSize) = (kernel[0], kernel[1], kernel[2])
        classToken = shapes["cls_token"] != nil
        let side = Int(Double(positions[1] - extraTokens).squareRoot().rounded())
        guard side * side == positions[1] - extraTokens else {
            throw ConfigurationError.invalid(
                "pos_embed", found: "\(positions)", expected: "a square grid of patches")
        }
        imageSize = side * patchSize
        depth = 0
        while shapes["blocks.\(depth).norm1.weight"] != nil { depth += 1 }
        mlpRatio = Double(try shape("blocks.0.mlp.fc1.weight", rank: 2)[0]) / Double(width)
        layerScale = shapes["blocks.0.gamma_1"] != nil ? 1 : nil
        meanPooling = shapes["fc_norm.weight"] != nil
        masksPatches = shapes["masked_embed"] != nil
        let published = [192: 3, 384: 6, 768: 12, 1024: 16, 1280: 16]
        self.heads = heads ?? published[width] ?? max(1, width / 64)
        try validate()
    }
}
