import Data
public import NN
import Torch
import VisionModels

/// The predictor of I-JEPA and StoP: a narrow vision transformer that is given the encoded context
/// and asks for the tokens of a target block.
///
/// 1. project the context to the predictor's width, add positions
/// 2. append one token for each patch of the target: its position and what the method adds
/// 3. blocks, the last of which makes the target's tokens only; layer norm; project them back
///
/// Target blocks do not see one another: each is a sequence of its own. Shapes: B images, E contexts,
/// P targets, N patches, K and M patches of a context and a target, D encoder width, d predictor
/// width. Rows run over targets, then contexts, then images.
public final class Predictor: Module {
    @Parameter var maskToken: Tensor  // [1, 1, d]
    @Parameter var learnedPositions: Tensor?  // [1, N, d]
    @Buffer var fixedPositions: Tensor?  // [1, N, d]
    let predictorEmbed: Linear
    let predictorBlocks: [Block]
    let predictorNorm: LayerNorm
    let predictorProj: Linear
    let encoder: VisionTransformer.Config

    public override class var stateNames: [String: String] {
        [
            "learnedPositions": "predictor_pos_embed", "fixedPositions": "predictor_pos_embed",
        ]
    }

    /// - Parameters:
    ///   - width: d, a multiple of 4 and of `heads`.
    ///   - depth: blocks.
    ///   - heads: of attention; the encoder's number in the published models.
    ///   - learnsPositions: instead of sines and cosines.
    ///   - encoder: whose tokens are predicted.
    ///   - generator: the source of the initial weights.
    init(
        width: Int, depth: Int, heads: Int, learnsPositions: Bool = false,
        encoder: VisionTransformer.Config, generator: Generator?
    ) {
        self.encoder = encoder
        maskToken = Init.zeros([1, 1, width])
        learnedPositions =
            learnsPositions ? Init.zeros([1, encoder.grid.count, width]) : nil
        fixedPositions =
            learnsPositions
            ? nil : SinCosEmbedding.make(encoder.grid, width: width, classToken: false)
        predictorEmbed = Linear(encoder.width, width, generator: generator)
        predictorBlocks = (0..<depth).map { _ in
            // Four times the width also behind ViT-g, whose own MLPs are wider.
            Block(width, heads: heads, mlpRatio: 4, eps: encoder.normEps, generator: generator)
        }
        predictorNorm = LayerNorm(width, eps: encoder.normEps)
        predictorProj = Linear(width, encoder.width, generator: generator)
        super.init()
        initialize(generator: generator)
    }

    /// The starting weights: N(0, 0.02²), cut at ±2, for every matrix, the mask token and learned
    /// positions.
    private func initialize(generator: Generator?) {
        for layer in [predictorEmbed, predictorProj] {
            layer.initializeTruncatedNormal(std: 0.02, generator: generator)
        }
        for block in predictorBlocks {
            block.initializeTruncatedNormal(std: 0.02, generator: generator)
        }
        for tensor in [maskToken, learnedPositions].compactMap({ $0 }) {
            Init.truncatedNormalInPlace(tensor, std: 0.02, generator: generator)
        }
    }

    /// Predicts the encoder's tokens of targets.
    ///
    /// - Parameters:
    ///   - context: what the encoder made of each context, `[E·B, K, D]`.
    ///   - contexts: E tensors of patches.
    ///   - targets: P tensors of patches, `[B, M]`.
    ///   - grid: of the images.
    ///   - asking: what is added to the positions of a target's tokens, expandable to
    ///     `[P·E·B, M, d]`; nil for nothing.
    ///   - shift: what is added to those of the context, `[E·B, K, d]`.
    /// - Returns: `[P·E·B, M, D]`.
    func callAsFunction(
        _ context: Tensor, at contexts: [PatchSelection], predicting targets: [Tensor],
        on grid: PatchGrid, asking: Tensor?, shift: Tensor? = nil
    ) -> Tensor {
        let tokens = inputs(
            context, contexts, targets, positions(on: grid), asking: asking, shift: shift)
        let count = tokens.shape[1] - context.shape[1]
        guard let last = predictorBlocks.last else { fatalError("a predictor without blocks") }
        guard let lengths = PatchSelection.lengths(of: contexts) else {
            let x = predictorBlocks.dropLast().reduce(tokens) { $1($0) }
            return predictorProj(predictorNorm(last.ofLast(count, x)))
        }
        let (k, t) = (context.shape[1], tokens.shape[1])
        let held = Array(repeating: lengths, count: targets.count).joined().map { [0..<$0, k..<t] }
        let rows = TokenRows(tokens, holding: held)
        let x = predictorBlocks.reduce(rows) { $1($0, at: rows.presence) }
        return predictorProj(predictorNorm(x.parts[0][0..., k...]))
    }

    /// The first block's input: the context's tokens, then those of the target, `[P·E·B, K + M, d]`.
    func inputs(
        _ context: Tensor, _ contexts: [PatchSelection], _ targets: [Tensor],
        _ positions: Tensor, asking: Tensor?, shift: Tensor?
    ) -> Tensor {
        let places = concatenated(contexts.map(\.patches), 0)  // [E·B, K]
        var known = predictorEmbed(context) + positions.selectingRows(places)
        if let shift { known = known + shift }
        let (rows, k, width) = known.shape3
        let p = targets.count
        let repeated = known.unsqueezed(0).expanded([p, rows, k, width]).reshaped(
            p * rows, k, width)
        var asked = positions.selectingRows(Self.repeated(targets, contexts.count))
        if let asking { asked = asked + asking }
        return concatenated([repeated, asked], 1)
    }

    /// `[N, d]`.
    func positions(on grid: PatchGrid) -> Tensor {
        guard let embedding = learnedPositions ?? fixedPositions else {
            fatalError("a predictor without positions")
        }
        return encoder.positionResize.apply(
            embedding, from: encoder.grid, to: grid, extraTokens: 0)[0]
    }

    /// P tensors of rows `[B, …]`, each for every of `count` contexts: `[P·E·B, …]`.
    static func repeated(_ targets: [Tensor], _ count: Int) -> Tensor {
        concatenated(targets.flatMap { Array(repeating: $0, count: count) }, 0)
    }
}
