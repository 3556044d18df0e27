public import Configuration

extension VisionTransformer {
    /// The shape of a vision transformer; the default is ViT-B/16 at 224².
    public struct Config: Configuration, Hashable {
        /// Height and width in pixels of the images that the positions are made for.
        public var imageSize = 224
        /// Height and width of a patch in pixels.
        public var patchSize = 16
        /// Channels of the images.
        public var channels = 3
        /// D, the length of a token.
        public var width = 768
        /// The number of blocks.
        public var depth = 12
        /// Attention heads a block.
        public var heads = 12
        /// The hidden layer of the MLP as a multiple of D.
        public var mlpRatio = 4.0
        public var positions = Positions.sinCos
        /// How positions are fitted to another image size.
        public var positionResize = PositionResize.bicubic
        public var classToken = true
        /// `fc_norm` on the mean of the patch tokens instead of a final norm on all.
        public var meanPooling = false
        /// Whether the model has a token that replaces masked patches.
        public var masksPatches = false
        /// The initial γ of LayerScale; nil for none.
        public var layerScale: Double? = nil
        /// The drop path rate of the last block; it rises evenly from 0.
        public var dropPath = 0.0
        /// ε of the layer norms.
        public var normEps = 1e-6

        public init() {}

        public enum Positions: String, Codable, Sendable, CaseIterable {
            /// Fixed sines and cosines: MAE, I-JEPA.
            case sinCos
            /// Trained: ViT, DINO, iBOT.
            case learned
        }

        /// The grid that the positions are made for.
        public var grid: PatchGrid {
            PatchGrid(rows: imageSize / patchSize, columns: imageSize / patchSize)
        }

        /// Tokens before the patches.
        public var extraTokens: Int { classToken ? 1 : 0 }

        public func validate() throws {
            func check(
                _ condition: Bool, _ key: String, _ found: some Any, expected: String
            ) throws {
                guard condition else {
                    throw ConfigurationError.invalid(key, found: "\(found)", expected: expected)
                }
            }
            try check(patchSize > 0, "patchSize", patchSize, expected: "a positive number")
            try check(
                imageSize > 0 && imageSize % patchSize == 0, "imageSize", imageSize,
                expected: "a multiple of the patch size \(patchSize)")
            try check(depth > 0, "depth", depth, expected: "a positive number")
            try check(
                width > 0 && (positions != .sinCos || width % 4 == 0), "width", width,
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
                (0..<1).contains(dropPath), "dropPath", dropPath,
                expected: "a probability below 1")
            try check(normEps > 0, "normEps", normEps, expected: "a positive number")
            try check(mlpRatio > 0, "mlpRatio", mlpRatio, expected: "a positive number")
        }
    }
}

extension VisionTransformer.Config {
    /// A published size: tiny, small, base, large or huge (of ViT, DeiT and MAE).
    public init?(size: String, patchSize: Int? = nil) {
        let shapes = [
            "tiny": (192, 12, 3, 16), "small": (384, 12, 6, 16), "base": (768, 12, 12, 16),
            "large": (1024, 24, 16, 16), "huge": (1280, 32, 16, 14),
        ]
        guard let (width, depth, heads, patch) = shapes[size] else { return nil }
        self.init()
        (self.width, self.depth, self.heads) = (width, depth, heads)
        self.patchSize = patchSize ?? patch
    }
}
