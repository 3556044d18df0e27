public import Configuration
public import NN

extension FeatureNormEncoder {
    /// The shape of the encoder; the default is the published small one with a tanh for a norm.
    public struct Config: Configuration, Hashable {
        /// Height and width in pixels of the pictures that evaluation takes; training takes any.
        public var imageSize = 256
        /// p, height and width of a patch in pixels.
        public var patchSize = 16
        /// Channels of the pictures.
        public var channels = 3
        /// D, the length of a token.
        public var width = 384
        /// n, the number of blocks.
        public var depth = 12
        /// Attention heads of a block.
        public var heads = 6
        /// Channels of a head; heads · headWidth may differ from the width.
        public var headWidth = 64

        /// In front of attention and of the network.
        public var norm = NormForm.dynamicTanh
        /// Of each head's queries and keys; nil for none.
        public var queryKeyNorm: NormForm? = .layerNorm
        /// How many experts take the place of the network; nil for none.
        public var experts: Int? = nil

        /// Whether queries and keys turn by the place of their token.
        public var rotary = true
        /// Whether tokens get an embedding of their row and one of their column.
        public var absolutePositions = false
        /// The rows of patches that there is an embedding for.
        public var maxRows = 64
        /// The columns of patches that there is an embedding for.
        public var maxColumns = 64
        /// Tokens before the patches of a picture in evaluation, up to `registerRows`.
        public var registers = 0
        /// The embeddings of registers that there are.
        public var registerRows = 0

        /// The last layer: the feature normalisation that the paper is about.
        public var outputNorm = OutputNorm.dynamicTanh
        /// Whether it has a scale and a shift of its own, where it is a layer norm or a tanh.
        public var outputAffine = false

        /// The share of tokens that is merged after each block; nil for none.
        public var mergeRate: Double? = nil
        /// What the number of tokens is a multiple of after merging; nil for 1.
        public var mergeMultiple: Int? = nil

        public init() {}
    }
}

extension FeatureNormEncoder.Config {
    public enum OutputNorm: String, Codable, Sendable, CaseIterable {
        case layerNorm
        case dynamicTanh
        /// Batch norm by running statistics.
        case runningBatchNorm
        case none
    }
}

// MARK: - What follows from the settings

extension FeatureNormEncoder.Config {
    /// p·p·C.
    public var patchLength: Int { patchSize * patchSize * channels }

    var block: PackedBlockForm {
        PackedBlockForm(
            width: width, heads: heads, headWidth: headWidth, norm: norm,
            queryKeyNorm: queryKeyNorm, experts: experts)
    }

    /// How many of `count` tokens go into others after a block; nil without merging.
    func mergedCount(of count: Int) -> Int? {
        guard let mergeRate else { return nil }
        let rest = Double(count) * (1 - mergeRate)
        guard let mergeMultiple else { return count - Int(rest.rounded(.toNearestOrEven)) }
        return count - Int(rest - rest.truncatingRemainder(dividingBy: Double(mergeMultiple)))
    }

    /// Throws where pictures on a grid of patches cannot be taken.
    func requireGrid(_ grid: PatchGrid) throws {
        func refuse(_ expected: String) throws {
            throw ConfigurationError.invalid(
                "imageSize", found: "\(grid) patches of \(patchSize) pixels", expected: expected)
        }
        if grid.count == 0 { try refuse("at least one patch") }
        if absolutePositions, grid.rows > maxRows || grid.columns > maxColumns {
            try refuse(
                "at most \(maxRows)×\(maxColumns) patches, which the encoder has positions for; "
                    + "they are not interpolated")
        }
        var count = grid.count + registers
        for block in 0..<(mergeRate == nil ? 0 : depth) {
            guard let merged = mergedCount(of: count) else { return }
            guard merged > 0, merged < count, merged <= count / 2 else {
                return try refuse(
                    "enough for merging: of the \(count) tokens after block \(block + 1) "
                        + "\(merged) would have to go, 1 to \(count / 2) can")
            }
            count -= merged
        }
    }
}

// MARK: - Checks

extension FeatureNormEncoder.Config {
    public func validate() throws {
        for (key, value) in [
            ("patchSize", patchSize), ("width", width), ("depth", depth), ("heads", heads),
            ("headWidth", headWidth), ("maxRows", maxRows), ("maxColumns", maxColumns),
            ("experts", experts ?? 1), ("mergeMultiple", mergeMultiple ?? 1),
        ] {
            try check(value > 0, key, value, expected: "a positive number")
        }
        try check(
            imageSize > 0 && imageSize % patchSize == 0, "imageSize", imageSize,
            expected: "a multiple of the patch size \(patchSize)")
        try check((1...64).contains(channels), "channels", channels, expected: "1 to 64")
        try check(
            !rotary || headWidth % 4 == 0, "headWidth", headWidth,
            expected: "a multiple of 4, for rotary positions")
        try check(
            rotary || absolutePositions, "rotary", rotary,
            expected: "true, or absolute positions: without either the encoder knows no places")
        try check(
            (0...1024).contains(registerRows), "registerRows", registerRows, expected: "0 to 1024")
        try check(
            (0...registerRows).contains(registers), "registers", registers,
            expected: "0 to registerRows, \(registerRows)")
        if let mergeRate {
            try check(
                mergeRate > 0 && mergeRate * Double(depth) < 1, "mergeRate", mergeRate,
                expected: "above 0 and below 1 / \(depth), one part for each block")
        } else {
            try check(
                mergeMultiple == nil, "mergeMultiple", mergeMultiple ?? 0,
                expected: "null where nothing is merged")
        }
        try requireGrid(
            PatchGrid(rows: imageSize / patchSize, columns: imageSize / patchSize))
    }

    public static var documentation: [String: String] {
        [
            "imageSize": "height and width in pixels of the pictures that evaluation takes",
            "patchSize": "height and width of a patch in pixels",
            "channels": "channels of the pictures",
            "width": "the length of a token",
            "depth": "blocks",
            "heads": "attention heads of a block",
            "headWidth": "channels of a head",
            "norm": "in front of attention and network: layerNorm or dynamicTanh",
            "queryKeyNorm": "of queries and keys: layerNorm, dynamicTanh, or null for none",
            "experts": "experts in the place of the network (DiffMoE); null for none",
            "rotary": "queries and keys turned by their place",
            "absolutePositions": "an embedding of each row and each column",
            "maxRows": "rows of patches that there is an embedding for",
            "maxColumns": "columns of patches that there is an embedding for",
            "registers": "tokens before the patches in evaluation",
            "registerRows": "embeddings of registers that there are",
            "outputNorm": "the last layer: layerNorm, dynamicTanh, runningBatchNorm or none",
            "outputAffine": "a scale and a shift of its own",
            "mergeRate": "the share of tokens merged after each block; null for none",
            "mergeMultiple": "what the number of tokens is a multiple of after merging; null for 1",
        ]
    }
}
