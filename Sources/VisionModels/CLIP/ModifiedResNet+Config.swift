public import Configuration

extension ModifiedResNet {
    /// The shape of CLIP's residual network; the default is RN50.
    public struct Config: Configuration, Hashable {
        /// Height and width in pixels of the images, of which the last map has a 32nd.
        public var imageSize = 224
        /// Channels of the images.
        public var channels = 3
        /// w; the last map has 32 w channels.
        public var width = 64
        /// The bottlenecks of each of the four stages.
        public var depths = [3, 4, 6, 3]
        /// The heads of the attention pooling.
        public var heads = 32
        /// The length of an embedding.
        public var embedding = 1024

        public init() {}

        /// The channels of the last map.
        public var lastWidth: Int { 4 * width << (depths.count - 1) }

        /// The cells of the last map for images of the model's own size.
        package var lastGrid: PatchGrid { PatchGrid(rows: imageSize / 32, columns: imageSize / 32) }

        public func validate() throws {
            try check(
                imageSize > 0 && imageSize % 32 == 0, "imageSize", imageSize,
                expected: "a multiple of 32")
            try check((1...64).contains(channels), "channels", channels, expected: "1 to 64")
            try check(
                width > 0 && width % 2 == 0, "width", width, expected: "an even positive number")
            try check(
                depths.count == 4 && depths.allSatisfy { $0 > 0 }, "depths", depths,
                expected: "four positive numbers")
            try check(
                heads > 0 && lastWidth % heads == 0, "heads", heads,
                expected: "a divisor of \(lastWidth)")
            try check(embedding > 0, "embedding", embedding, expected: "a positive number")
        }

        public static var documentation: [String: String] {
            [
                "imageSize": "height and width of the pictures in pixels",
                "channels": "channels of the pictures",
                "width": "channels after the stem; the last map has 32 times as many",
                "depths": "bottlenecks of each of the four stages",
                "heads": "heads of the attention pooling",
                "embedding": "the length of an embedding",
            ]
        }
    }
}

extension ModifiedResNet.Config {
    /// The form of the network that tensors with OpenAI's names, `conv1.weight` and so on without
    /// `visual.`, belong to: one head for every 64 channels.
    ///
    /// - Parameters:
    ///   - shapes: by name.
    ///   - heads: overrides the number of heads.
    /// - Throws: `ConfigurationError` naming what is missing or contradictory.
    public init(inferredFrom shapes: [String: [Int]], heads: Int? = nil) throws {
        let tensors = TensorShapes(shapes, of: "CLIP's residual network")
        self.init()
        channels = try tensors.shape("conv1.weight", rank: 4)[1]
        width = try tensors.shape("layer1.0.conv1.weight", rank: 4)[0]
        depths = (1...4).map { stage in
            tensors.count { "layer\(stage).\($0).conv1.weight" }
        }
        let positions = try tensors.shape("attnpool.positional_embedding", rank: 2)[0]
        guard let grid = PatchGrid(squareOf: positions - 1) else {
            throw ConfigurationError.invalid(
                "attnpool.positional_embedding", found: "\(positions) rows",
                expected: "one more than a square grid of cells")
        }
        imageSize = 32 * grid.rows
        embedding = try tensors.shape("attnpool.c_proj.weight", rank: 2)[0]
        self.heads = heads ?? max(1, lastWidth / 64)
        try validate()
    }
}
