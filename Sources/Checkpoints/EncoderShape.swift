import Configuration
import Foundation
import NN
import VisionModels

/// What is known of an encoder before it is made: the shapes of its tensors under Tessera's names,
/// the settings beside the file, and what the user says.
struct EncoderShape: Sendable {
    /// Of the tensors by Tessera's names.
    let shapes: [String: [Int]]
    let settings: ModelSettings?
    /// Where the file lies, for settings that one family alone writes beside it.
    let folder: URL
    /// The number of heads that the user gives.
    let heads: Int?
    let positionResize: PositionResize
    let biasResize: RelativeBiasResize

    /// The shape of a vision transformer; everything but heads, ε, activation and rotary positions
    /// follows from the tensors.
    ///
    /// - Parameter adjust: sets what the family has beside that; settings beside the file go first.
    /// - Returns: the shape, with the family's ways to resize.
    /// - Throws: `ConfigurationError` naming what is missing or contradictory.
    func visionTransformer(
        _ adjust: (inout VisionTransformer.Config) -> Void = { _ in }
    ) throws -> VisionTransformer.Config {
        let size = try settings?.plausibleImageSize
        let config = try VisionTransformer.Config(
            inferredFrom: shapes, heads: heads ?? settings?.heads
        ) { config in
            if config.positions != .none { config.positions = .learned }
            config.positionResize = positionResize
            config.relativeResize = biasResize
            adjust(&config)
            guard let settings else { return }
            if settings.globalPool == "avg", config.finalNorm == .tokens { config.pooling = .mean }
            if let eps = settings.normEps { config.normEps = eps }
            if config.mlp != .swiGLU, let activation = settings.isQuickGELU {
                config.mlp = activation ? .quickGELU : .gelu
            }
            // Nothing in the tensors of such a model depends on the size of the pictures.
            if config.positions == .none, config.relativePositions == .none,
                let size
            {
                config.imageSize = size / config.patchSize * config.patchSize
            }
        }
        // For every pair of tokens a number is kept, whatever little the file holds.
        guard config.relativePositions == .none || config.grid.count <= 1 << 14 else {
            throw ConfigurationError.invalid(
                "relative_position_bias_table", found: "one for \(config.grid) patches",
                expected: "at most 16384 patches")
        }
        guard
            config.positions != .none || config.relativePositions != .none || config.rotary != nil
        else {
            throw ConfigurationError.invalid(
                "pos_embed", found: "missing",
                expected: "positions of some kind: the family has no others")
        }
        return config
    }

    /// The shape of a Swin transformer; everything but ε and the size of the pictures follows from the
    /// tensors.
    ///
    /// - Parameter normEps: ε of the layer norms; settings beside the file go first.
    /// - Returns: the shape, with the family's way to resize.
    /// - Throws: `ConfigurationError` naming what is missing or contradictory.
    func swinTransformer(normEps: Double = 1e-5) throws -> SwinTransformer.Config {
        let size = try settings?.plausibleImageSize
        let config = try SwinTransformer.Config(inferredFrom: shapes) { config in
            config.positionResize = positionResize
            config.normEps = settings?.normEps ?? normEps
            // They are made when they are needed.
            config.savesMasks = false
            if !config.absolutePositions, let size {
                config.imageSize = size / config.patchSize * config.patchSize
            }
        }
        // For every pair of cells of a window each block keeps a number.
        guard config.window <= 32, config.depths.reduce(0, +) <= 128 else {
            throw ConfigurationError.invalid(
                "window", found: "\(config.window) in \(config.depths) blocks",
                expected: "at most 32, and 128 blocks")
        }
        if let heads, heads != config.heads[0] {
            throw ConfigurationError.invalid(
                "heads", found: heads,
                expected: "none: the tables of relative positions tell the heads of each stage, "
                    + "\(config.heads)")
        }
        return config
    }

    /// The shape of CLIP's residual network, which follows from the tensors.
    func modifiedResNet() throws -> ModifiedResNet.Config {
        try ModifiedResNet.Config(inferredFrom: shapes, heads: heads)
    }

    /// What the report says of the number of heads where it was assumed.
    func headsNote(_ architecture: EncoderArchitecture) -> String? {
        guard heads == nil, settings?.heads == nil, !tellsHeads else { return nil }
        let assumed: (heads: Int, width: Int)
        switch architecture {
        case .visionTransformer(let config): assumed = (config.heads, config.width)
        case .featureNorm(let config):
            guard FeatureNormSettings.heads(beside: folder) == nil else { return nil }
            assumed = (config.heads, config.width)
        case .swinTransformer, .modifiedResNet: return nil
        }
        return "\(assumed.heads) attention heads are assumed for the width \(assumed.width): no "
            + "tensor tells them; --heads gives another number"
    }

    /// Whether a tensor has a part for each head.
    private var tellsHeads: Bool {
        shapes.keys.contains {
            $0.hasSuffix("relative_position_bias_table") || $0.hasSuffix("attn.q_norm.weight")
                || $0.hasPrefix("blocks.0.attention.q_norm.")
        }
    }
}
