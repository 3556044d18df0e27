public import NN
public import Torch

/// MaPeT's model of pre-training: a vision transformer that names visual tokens in a random order.
///
/// Baraldi et al., *Learning to Mask and Permute Visual Tokens for Vision Transformer Pre-Training*
/// (2023), section 3.2. Two streams go through the same blocks:
///
/// 1. content: every token, then a mask token at the place of each predicted one
/// 2. query: those mask tokens once more, which never see the content of their own place
/// 3. in each block keys and values of both are those of the content stream
/// 4. logits from the query stream, by the final norm and `decoder`
///
/// Who sees whom is in a mask: each row sees every place exactly once, as content or as a mask token.
/// B images, N tokens with the class token, P of them predicted, V visual tokens, D width.
public final class TwoStreamPredictor: Module {
    public let backbone: VisionTransformer
    @Parameter var maskPositionalToken: Tensor  // [1, 1, D]
    let decoder: Linear

    /// The encoder's tensors carry no prefix in MaPeT's checkpoints.
    public override class var stateNames: [String: String] { ["backbone": ""] }

    /// - Parameters:
    ///   - backbone: with a class token, learned positions for it and the patches, and a final norm on all
    ///     tokens.
    ///   - vocabulary: V.
    ///   - generator: the source of the initial weights.
    public init(_ backbone: VisionTransformer, vocabulary: Int, generator: Generator?) {
        let config = backbone.config
        require(
            config.classToken && config.extraTokens == 1 && config.extraPositions == 1
                && config.finalNorm == .tokens && !config.attentionSeesPositions,
            "MaPeT needs one token before the patches, positions in the tokens alone and a final norm"
        )
        self.backbone = backbone
        maskPositionalToken = Init.zeros([1, 1, config.width])
        decoder = Linear(config.width, vocabulary, generator: generator)
        super.init()
        Init.truncatedNormalInPlace(maskPositionalToken, std: 0.02, generator: generator)
        decoder.initializeTruncatedNormal(std: 0.02, generator: generator)
    }
}

extension TwoStreamPredictor {
    /// Logits of the predicted tokens, ascending.
    ///
    /// - Parameters:
    ///   - images: `[B, C, H, W]`.
    ///   - predicted: numbers of tokens, of which 0 is the class token, ascending: `[B, P]`.
    ///   - mask: what is added to the scores of each row of both streams, content first, for each row of
    ///     the content stream: `[B, N + 2P, N + P]`.
    /// - Returns: `[B, P, V]`.
    public func logits(_ images: Tensor, predicted: Tensor, mask: Tensor) -> Tensor {
        guard let last = backbone.blocks.last else { fatalError("a predictor without blocks") }
        let x = backbone.blocks.dropLast().reduce(streams(images, predicted)) {
            through($1, $0, mask)
        }
        // Nobody reads the content stream after the last block.
        let content = mask.shape[2]
        let queries = last.of(
            content..<x.shape[1], x, seeing: 0..<content,
            at: AttentionPositions(sharedBias: mask[0..., content...].unsqueezed(1)))
        return decoder(backbone.final(queries))
    }

    /// Both streams before the first block and after each, content first, `[B, N + 2P, D]`; the
    /// arguments are those of `logits`.
    public func trace(_ images: Tensor, predicted: Tensor, mask: Tensor) -> [Tensor] {
        backbone.blocks.reduce(into: [streams(images, predicted)]) {
            $0.append(through($1, $0[$0.count - 1], mask))
        }
    }

    /// The first block's input: tokens, mask tokens, mask tokens.
    private func streams(_ images: Tensor, _ predicted: Tensor) -> Tensor {
        let (_, _, height, width) = images.shape4
        let positions = backbone.positions(height: height, width: width)[0]  // [N, D]
        let asked = maskPositionalToken + positions.selectingRows(predicted)
        let tokens = backbone.tokens(images)
        let masks = backbone.beforeBlocks(asked).to(dtype: tokens.dtype)
        return concatenated([tokens, masks, masks], 1)
    }

    /// One block, shared by the streams, so that both lose the same branches to drop path.
    private func through(_ block: Block, _ x: Tensor, _ mask: Tensor) -> Tensor {
        block.of(
            0..<x.shape[1], x, seeing: 0..<mask.shape[2],
            at: AttentionPositions(sharedBias: mask.unsqueezed(1)))
    }
}
