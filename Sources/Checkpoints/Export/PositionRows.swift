import NN
import Torch
import VisionModels

/// An encoder whose position embedding has rows for other tokens, and which gives the same.
///
/// A row is added to its token before the first block. So a token that is to lose its row takes it up,
/// and one that is to get a row gets zeros: timm and Hugging Face differ in which tokens have one.
struct PositionRows {
    let config: VisionTransformer.Config
    let tensors: [(name: String, tensor: Tensor)]

    /// - Parameters:
    ///   - positioned: the tokens that are to have a row.
    ///   - config: of the encoder.
    ///   - tensors: its own, by Tessera's names.
    init(
        for positioned: VisionTransformer.Config.PositionedTokens,
        _ config: VisionTransformer.Config, _ tensors: [(name: String, tensor: Tensor)]
    ) {
        var changed = config
        changed.positionedTokens = positioned
        var byName = Dictionary(tensors) { first, _ in first }
        guard let positions = byName["pos_embed"],
            changed.extraPositions != config.extraPositions
        else {
            (self.config, self.tensors) = (config, tensors)
            return
        }
        var rows: [Tensor] = []
        var (source, target) = (0, 0)
        for name in ["cls_token", "dist_token", "reg_token"] {
            guard let token = byName[name] else { continue }
            let count = token.shape[1]
            let row: Tensor? =
                source < config.extraPositions
                ? positions[0..., source..<(source + count)] : nil
            if target < changed.extraPositions {
                rows.append(row ?? .zeros(like: token))
            } else if let row {
                byName[name] = token + row
            }
            source += count
            target += count
        }
        byName["pos_embed"] = concatenated(
            rows + [positions[0..., config.extraPositions...]], 1)
        self.config = changed
        self.tensors = tensors.map { ($0.name, byName[$0.name] ?? $0.tensor) }
    }
}
