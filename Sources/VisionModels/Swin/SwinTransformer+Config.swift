public import Configuration

extension SwinTransformer {
    /// The shape of a Swin transformer; the default is Swin-T at 224², without drop path.
    public struct Config: Configuration, Hashable {
        /// Height and width in pixels of the images that windows and positions are made for.
        public var imageSize = 224
        /// Height and width of a patch in pixels.
        public var patchSize = 4
        /// Channels of the images.
        public var channels = 3
        /// C, the width of the first stage; each further stage has twice that of the one before.
        public var width = 96
        /// The blocks of each stage.
        public var depths = [2, 2, 6, 2]
        /// The attention heads of each stage.
        public var heads = [3, 6, 12, 24]
        /// Rows and columns of a window.
        public var window = 7
        /// The hidden layer of the MLP as a multiple of the width.
        public var mlpRatio = 4.0
        public var qkvBias = true
        /// A layer norm behind the patch embedding.
        public var patchNorm = true
        /// A learned embedding of the patches' positions.
        public var absolutePositions = false
        /// How they are fitted to another image size.
        public var positionResize = PositionResize.bicubic
        public var maskedPatches = MaskedPatches.none
        /// Whether the masks of shifted windows are among the saved tensors, as in SimMIM.
        public var savesMasks = false
        /// The drop path rate of the last block; it rises evenly from 0.
        public var dropPath = 0.0
        /// ε of the layer norms: 1e-5 in Swin and SimMIM, 1e-6 in iBOT.
        public var normEps = 1e-5

        public init() {}

        /// What replaces masked patches.
        public enum MaskedPatches: String, Codable, Sendable, CaseIterable {
            case none
            /// iBOT's `masked_embed`.
            case maskedEmbed
            /// SimMIM's `mask_token`.
            case maskToken
        }
    }
}

extension SwinTransformer.Config {
    /// A published size: tiny, small, base or large.
    public init?(size: String) {
        let shapes = [
            "tiny": (96, [2, 2, 6, 2], [3, 6, 12, 24]),
            "small": (96, [2, 2, 18, 2], [3, 6, 12, 24]),
            "base": (128, [2, 2, 18, 2], [4, 8, 16, 32]),
            "large": (192, [2, 2, 18, 2], [6, 12, 24, 48]),
        ]
        guard let shape = shapes[size] else { return nil }
        self.init()
        (width, depths, heads) = shape
    }

    /// The grid of the patches.
    public var grid: PatchGrid {
        PatchGrid(rows: imageSize / patchSize, columns: imageSize / patchSize)
    }

    /// The grid of a stage for images of the model's own size.
    public func grid(ofStage stage: Int) -> PatchGrid {
        PatchGrid(rows: grid.rows >> stage, columns: grid.columns >> stage)
    }

    /// D, the width of the last stage.
    public var lastWidth: Int { width << (depths.count - 1) }

    public func validate() throws {
        try check(patchSize > 0, "patchSize", patchSize, expected: "a positive number")
        try check(
            (1...8).contains(depths.count) && depths.allSatisfy { $0 > 0 }, "depths", depths,
            expected: "one to eight positive numbers")
        try check(width > 0, "width", width, expected: "a positive number")
        try check(
            heads.count == depths.count, "heads", heads,
            expected: "\(depths.count) numbers, one for each stage")
        for (stage, count) in heads.enumerated() {
            try check(
                count > 0 && (width << stage) % count == 0, "heads", heads,
                expected: "divisors of the stages' widths, the first of them \(width)")
        }
        try check(
            imageSize > 0 && imageSize % patchSize == 0
                && grid.rows >> (depths.count - 1) > 0, "imageSize", imageSize,
            expected:
                "a multiple of \(patchSize), at least \(patchSize << (depths.count - 1))")
        try check(window > 0, "window", window, expected: "a positive number")
        try check((1...64).contains(channels), "channels", channels, expected: "1 to 64")
        try check(
            (0..<1).contains(dropPath), "dropPath", dropPath, expected: "a probability below 1")
        try check(normEps > 0, "normEps", normEps, expected: "a positive number")
        try check(mlpRatio > 0, "mlpRatio", mlpRatio, expected: "a positive number")
        try check(
            positionResize != .sinCos, "positionResize", positionResize.rawValue,
            expected: "a way that keeps learned positions, such as bicubic")
    }

    public static var documentation: [String: String] {
        [
            "imageSize": "height and width in pixels that windows and positions are made for",
            "patchSize": "height and width of a patch in pixels",
            "channels": "channels of the pictures",
            "width": "the length of a token in the first stage; it doubles from stage to stage",
            "depths": "blocks of each stage",
            "heads": "attention heads of each stage",
            "window": "rows and columns of a window",
            "mlpRatio": "the hidden layer of the MLP as a multiple of the width",
            "qkvBias": "a bias of queries, keys and values",
            "patchNorm": "a layer norm behind the patch embedding",
            "absolutePositions": "a learned embedding of the patches' positions",
            "positionResize": "how positions are fitted to pictures of another size",
            "maskedPatches": "what replaces masked patches: maskedEmbed (iBOT), maskToken (SimMIM)",
            "savesMasks": "whether the masks of shifted windows are saved, as in SimMIM",
            "dropPath": "probability to drop a branch of the last block; it rises from 0",
            "normEps": "added to variances in layer norms",
        ]
    }
}
