import Configuration
import NN

extension VisionTransformer.Config {
    public func validate() throws {
        try check(patchSize > 0, "patchSize", patchSize, expected: "a positive number")
        try check(
            imageSize > 0 && imageSize % patchSize == 0, "imageSize", imageSize,
            expected: "a multiple of the patch size \(patchSize)")
        try check(
            stem.map { $0.patchSize == patchSize } ?? true, "stem.strides",
            stem?.strides ?? [], expected: "numbers whose product is the patch size \(patchSize)")
        try check(
            stem == nil || !masksPatches, "stem", "convolutions",
            expected: "null with masksPatches: they see pixels of the patches that a mask hides")
        try check(depth > 0, "depth", depth, expected: "a positive number")
        try check(
            width > 0 && (!isSinCos || width % 4 == 0), "width", width,
            expected: "a positive number that 4 divides, for sin-cos positions")
        try check(
            positionResize != .sinCos || positions == .sinCos, "positionResize",
            positionResize.rawValue,
            expected: "a way that keeps learned positions, such as bicubic")
        try check(
            heads > 0 && width % heads == 0, "heads", heads,
            expected: "a divisor of the width \(width)")
        try check((1...64).contains(channels), "channels", channels, expected: "1 to 64")
        try check(
            (0..<1).contains(dropPath), "dropPath", dropPath, expected: "a probability below 1")
        try check(normEps > 0, "normEps", normEps, expected: "a positive number")
        try check(mlpRatio > 0, "mlpRatio", mlpRatio, expected: "a positive number")
        try check(
            !mlpNorm || mlp == .swiGLU, "mlpNorm", mlpNorm,
            expected: "false: of the networks swiGLU alone has a norm inside")
        try check((0...1024).contains(registers), "registers", registers, expected: "0 to 1024")
        try check(
            relativePositions == .none || registers == 0 && !distillationToken,
            "relativePositions", relativePositions.rawValue,
            expected: "none: the tables have rows for a class token, not for registers")
        try check(
            rotary == nil || width / heads % 4 == 0, "rotary", rotary?.rawValue ?? "off",
            expected: "off: a head of \(width / heads) channels is not divided by 4")
        try check(
            rotary != nil || rotaryBase == nil && rotaryGrid == nil,
            rotaryBase == nil ? "rotaryGrid" : "rotaryBase", "a number",
            expected: "off where rotary is off")
        try check(rotaryBase ?? 1 > 0, "rotaryBase", rotaryBase ?? 0, expected: "a positive number")
        try check(rotaryGrid ?? 1 > 0, "rotaryGrid", rotaryGrid ?? 0, expected: "a positive number")
    }

    private var isSinCos: Bool { positions != .learned && positions != .none }

    public static var documentation: [String: String] {
        [
            "imageSize": "height and width in pixels that the positions are made for",
            "patchSize": "height and width of a patch in pixels",
            "channels": "channels of the pictures",
            "width": "the length of a token",
            "depth": "blocks",
            "heads": "attention heads of a block",
            "mlpRatio": "the hidden layer of the MLP as a multiple of the width",
            "mlp": "the network after attention: gelu, quickGELU (CLIP) or swiGLU",
            "mlpNorm": "a layer norm inside swiGLU (EVA-02)",
            "classToken": "a token for the whole picture",
            "distillationToken": "a second one (DeiT)",
            "registers": "further tokens that belong to no patch",
            "masksPatches": "a token in place of masked patches",
            "positions": "learned, none, or fixed: sinCos (MAE), sinCosRowsFirst, sinCosLine",
            "positionedTokens": "which tokens have a position: all, classAndPatches or patches",
            "positionResize": "how positions are fitted to pictures of another size",
            "relativePositions": "biases of attention by offset (BEiT): perBlock, shared or none",
            "relativeResize": "how their tables are fitted to pictures of another size",
            "rotary": "queries and keys turned by their place: dinoV3, eva02, or null for none",
            "rotaryBase": "the base of the frequencies; null for 100 (dinoV3) or 10000 (eva02)",
            "rotaryGrid": "the side of the grid in which eva02 measures; null for the picture's",
            "patchBias": "a bias of the patch embedding",
            "stem":
                "convolutions that make the tokens in place of the patch embedding; null for none",
            "preNorm": "a layer norm before the first block (CLIP)",
            "qkvBias": "of queries, keys and values: all, queryAndValue or none",
            "queryKeyNorm": "layer norms of queries and keys",
            "attentionNorm": "a layer norm before the projection of attention",
            "layerScale": "the initial factor of each branch; null for none",
            "dropPath": "probability to drop a branch of the last block; it rises from 0",
            "normEps": "added to variances in layer norms",
            "pooling": "what stands for the picture: token, mean (of the patches) or none",
            "finalNorm": "the last layer norm: on all tokens, on what was pooled, or none",
        ]
    }
}

extension VisionTransformer.Config {
    /// A published size.
    ///
    /// tiny, small, base, large and huge of ViT, DeiT and MAE; giant of I-JEPA, and gigantic, of Zhai
    /// et al., *Scaling Vision Transformers* (2022); so400m of Alabdulmohsin et al., *Getting ViT in
    /// Shape* (2023).
    public init?(size: String, patchSize: Int? = nil) {
        let shapes: [String: (width: Int, depth: Int, heads: Int, patch: Int, ratio: Double)] = [
            "tiny": (192, 12, 3, 16, 4), "small": (384, 12, 6, 16, 4),
            "base": (768, 12, 12, 16, 4), "large": (1024, 24, 16, 16, 4),
            "huge": (1280, 32, 16, 14, 4), "so400m": (1152, 27, 16, 14, 4304.0 / 1152),
            "giant": (1408, 40, 16, 16, 48.0 / 11), "gigantic": (1664, 48, 16, 14, 64.0 / 13),
        ]
        guard let shape = shapes[size] else { return nil }
        self.init()
        (width, depth, heads, mlpRatio) = (shape.width, shape.depth, shape.heads, shape.ratio)
        self.patchSize = patchSize ?? shape.patch
    }
}
