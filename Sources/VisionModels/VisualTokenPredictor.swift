public import NN
public import Torch

/// BEiT's model of pre-training: a vision transformer that names the visual token of each masked
/// patch.
///
/// Bao et al., *BEiT: BERT Pre-Training of Image Transformers* (2022), section 2.3: logits over V
/// tokens from each patch after the final norm, by `lm_head`. With `aggregation` a second head as in
/// Peng et al., *BEiT v2* (2022), section 2.3, "patch aggregation": the class token of the last block
/// and the patches of an early one go through a few more blocks, so that the class token has to hold
/// what those patches lack.
public final class VisualTokenPredictor: Module {
    public let backbone: VisionTransformer
    let lmHead: Linear
    let clsPtLayers: [Block]
    let clsPtNorm: LayerNorm?
    let clsPtLmHead: Linear?
    private let aggregation: Aggregation?

    /// The second head of BEiT v2.
    public struct Aggregation: Hashable, Sendable {
        /// The block, counted from 1, whose patches it sees: 9 of 12, 21 of 24.
        public var earlyBlock = 9
        /// Its own blocks.
        public var depth = 2
        /// Whether norm and `lm_head` are those of the first head.
        public var sharesHead = true

        public init() {}
    }

    /// The encoder's tensors carry no prefix in BEiT's checkpoints.
    public override class var stateNames: [String: String] { ["backbone": ""] }

    /// - Parameters:
    ///   - backbone: with a class token, a token for masked patches and a final norm on all tokens.
    ///   - vocabulary: V.
    ///   - aggregation: of BEiT v2; nil for BEiT.
    ///   - generator: the source of the initial weights.
    public init(
        _ backbone: VisionTransformer, vocabulary: Int, aggregation: Aggregation? = nil,
        generator: Generator?
    ) {
        let config = backbone.config
        require(
            config.classToken && config.masksPatches && config.finalNorm == .tokens,
            "BEiT needs a class token, a token for masked patches and a final norm on all tokens")
        if let aggregation {
            require(
                (1...config.depth).contains(aggregation.earlyBlock)
                    && config.relativePositions != .perBlock,
                "patch aggregation needs one of the \(config.depth) blocks and no tables in blocks")
        }
        self.backbone = backbone
        self.aggregation = aggregation
        lmHead = Linear(config.width, vocabulary, generator: generator)
        let rates = DropPath.rates(depth: config.depth, last: config.dropPath)
        clsPtLayers = (0..<(aggregation?.depth ?? 0)).map { index in
            let early = aggregation?.earlyBlock ?? 0
            return config.block(
                dropPath: rates[min(early + index, config.depth - 1)], generator: generator)
        }
        let isSeparate = aggregation.map { !$0.sharesHead } ?? false
        clsPtNorm = isSeparate ? LayerNorm(config.width, eps: config.normEps) : nil
        clsPtLmHead =
            isSeparate ? Linear(config.width, vocabulary, generator: generator) : nil
    }
}

extension VisualTokenPredictor {
    /// Logits of every patch.
    ///
    /// - Parameters:
    ///   - images: `[B, C, H, W]`.
    ///   - mask: `[B, rows, columns]`, true where the patch is hidden.
    /// - Returns: `main` of BEiT's head `[B, N, V]`, and `aggregated` of the second head where there
    ///   is one.
    public func logits(
        _ images: Tensor, mask: Tensor
    ) -> (main: Tensor, aggregated: Tensor?) {
        let positions = backbone.attentionPositions(of: images)
        var x = backbone.tokens(images, mask: mask)
        var early: Tensor?
        for (index, block) in backbone.blocks.enumerated() {
            x = block(x, at: positions)
            if index + 1 == aggregation?.earlyBlock { early = x[0..., 1...] }
        }
        let main = lmHead(backbone.final(x)[0..., 1...])
        guard let early else { return (main, nil) }
        let joined = concatenated([x[0..., ..<1], early], 1)
        let mixed = clsPtLayers.reduce(joined) { $1($0, at: positions) }
        let normed = clsPtNorm.map { $0(mixed) } ?? backbone.final(mixed)
        return (main, (clsPtLmHead ?? lmHead)(normed[0..., 1...]))
    }

    /// The rows of `[B, N, V]` that a mask `[B, …]` of N cells an image marks, in order: `[M, V]`.
    public static func masked(_ logits: Tensor, _ mask: Tensor) -> Tensor {
        let marks = mask.to(dtype: .float32).values(as: Float.self)
        let rows = marks.indices.filter { marks[$0] != 0 }
        return logits.flattened(0, 1).selectingRows(Tensor(rows).to(logits.device))
    }
}
