public import Configuration
public import NN

extension FeatureNormPredictor {
    /// The shape of the predictor; the default is the published one.
    public struct Config: Configuration, Hashable {
        /// E, the length of a token.
        public var width = 256
        /// The number of blocks.
        public var depth = 6
        /// Attention heads of a block.
        public var heads = 4
        /// Channels of a head.
        public var headWidth = 64

        /// In front of attention and of the network.
        public var norm = NormForm.dynamicTanh
        /// Of each head's queries and keys; nil for none.
        public var queryKeyNorm: NormForm? = .layerNorm
        /// How many experts take the place of the network; nil for none.
        public var experts: Int? = nil
        /// Whether two layers with GELU between bring the tokens to the width, not one.
        public var deepInput = false

        /// Whether queries and keys turn by the place of their token.
        public var rotary = true
        /// Whether tokens get an embedding of their row and one of their column.
        public var absolutePositions = false
        /// The rows of patches that there is an embedding for.
        public var maxRows = 64
        /// The columns of patches that there is an embedding for.
        public var maxColumns = 64
        /// The embeddings of registers that there are; with 0 the encoder's pass as they are.
        public var registerRows = 0
        /// Whether nothing is left of the encoder's registers, where there are embeddings for them.
        public var wipesRegisters = true

        /// Before the last layer.
        public var outputNorm = NormForm.layerNorm

        public init() {}
    }
}

extension FeatureNormPredictor.Config {
    var block: PackedBlockForm {
        PackedBlockForm(
            width: width, heads: heads, headWidth: headWidth, norm: norm,
            queryKeyNorm: queryKeyNorm, experts: experts)
    }

    public func validate() throws {
        for (key, value) in [
            ("width", width), ("depth", depth), ("heads", heads), ("headWidth", headWidth),
            ("maxRows", maxRows), ("maxColumns", maxColumns), ("experts", experts ?? 1),
        ] where value <= 0 {
            throw ConfigurationError.invalid(key, found: value, expected: "a positive number")
        }
        guard !rotary || headWidth % 4 == 0 else {
            throw ConfigurationError.invalid(
                "headWidth", found: headWidth, expected: "a multiple of 4, for rotary positions")
        }
        guard rotary || absolutePositions else {
            throw ConfigurationError.invalid(
                "rotary", found: rotary,
                expected: "true, or absolute positions: without either all hidden tokens are alike")
        }
        guard (0...1024).contains(registerRows) else {
            throw ConfigurationError.invalid(
                "registerRows", found: registerRows, expected: "0 to 1024")
        }
    }

    public static var documentation: [String: String] {
        [
            "width": "the length of a token",
            "depth": "blocks",
            "heads": "attention heads of a block",
            "headWidth": "channels of a head",
            "norm": "in front of attention and network: layerNorm or dynamicTanh",
            "queryKeyNorm": "of queries and keys: layerNorm, dynamicTanh, or null for none",
            "experts": "experts in the place of the network (DiffMoE); null for none",
            "deepInput": "two layers in the place of one at the input",
            "rotary": "queries and keys turned by their place",
            "absolutePositions": "an embedding of each row and each column",
            "maxRows": "rows of patches that there is an embedding for",
            "maxColumns": "columns of patches that there is an embedding for",
            "registerRows": "embeddings of registers; with 0 the encoder's pass as they are",
            "wipesRegisters": "nothing is left of the encoder's registers",
            "outputNorm": "before the last layer: layerNorm or dynamicTanh",
        ]
    }
}
