public import NN
public import Torch

/// The predictor of featurenorm's I-JEPA: of what the student saw and of where something is hidden, the
/// features of what is hidden.
///
/// Colton, *Elucidating the Role of Feature Normalization in IJEPA* (2025).
///
/// 1. a linear layer, or two with GELU between, brings the tokens to the predictor's width
/// 2. those to be predicted become zeros, and get a learned vector and their place
/// 3. pre-norm blocks in which a token looks at its own picture
/// 4. a norm, and a linear layer back to the encoder's width
///
/// B sequences, T tokens, D width of the encoder, E of the predictor.
public final class FeatureNormPredictor: Module {
    let embeddings: PackedEmbeddings
    let projIn: any Layer  // D to E
    let blocks: [PackedBlock]
    let normOut: any Layer
    let projOut: Linear  // [D, E]
    public let config: Config

    public override class var stateNames: [String: String] { ["embeddings": ""] }

    /// - Parameters:
    ///   - config: of the predictor.
    ///   - width: D.
    ///   - generator: the source of the initial weights.
    /// - Throws: `ConfigurationError` for a config that makes no sense.
    public init(_ config: Config, encoderWidth width: Int, generator: Generator?) throws {
        try config.validate()
        self.config = config
        let own = config.width
        embeddings = PackedEmbeddings(
            own, registers: config.registerRows,
            grid: config.absolutePositions
                ? PatchGrid(rows: config.maxRows, columns: config.maxColumns) : nil,
            predicts: true, generator: generator)
        projIn =
            config.deepInput
            ? Sequential(
                Linear(width, 4 * width, generator: generator), TanhGELU(),
                Linear(4 * width, own, generator: generator))
            : Linear(width, own, generator: generator)
        blocks = (0..<config.depth).map { _ in PackedBlock(config.block, generator: generator) }
        normOut = config.outputNorm.make(own)
        projOut = Linear(own, width, generator: generator)
    }

    /// - Parameters:
    ///   - x: tokens of the encoder; what stands at the places to be predicted is not looked at.
    ///     `[B, T, D]`.
    ///   - tokens: who they are.
    ///   - hidden: true for those to be predicted, `[B, T]`.
    /// - Returns: the features of every token, `[B, T, D]`, and what the capacities of mixtures of
    ///   experts have to learn, nil without them and in evaluation.
    public func callAsFunction(
        _ x: Tensor, _ tokens: PackedTokens, predicting hidden: Tensor
    ) -> (tokens: Tensor, capacityLoss: Tensor?) {
        guard let prediction = embeddings.prediction else {
            fatalError("a predictor has an embedding of what it predicts")
        }
        var y = projIn(x)  // [B, T, E]
        let share = hidden.unsqueezed(-1).to(dtype: y.dtype)
        y = embeddings.addingAll(
            to: y * (1 - share), tokens, wipesRegisters: config.wipesRegisters)
        y = y + share * prediction
        let positions = tokens.attentionPositions(
            headWidth: config.headWidth, isRotary: config.rotary)
        let present = tokens.present
        var losses: [Tensor] = []
        for block in blocks {
            let output = block(y, at: positions, present: present)
            y = output.tokens
            if let loss = output.capacityLoss { losses.append(loss) }
        }
        return (
            projOut(normOut(y)),
            losses.isEmpty ? nil : stacked(losses, 0).sum() / Double(blocks.count)
        )
    }
}
