import Data
import NN
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Methods

/// A recorded case of I-JEPA or StoP: the sizes of its models, its masks and its noise.
struct RecordedJointEmbedding {
    let item: ParityCase
    let settings: ParityConfig

    init(_ item: ParityCase) throws {
        self.item = item
        settings = try item.config
    }

    // MARK: - Models

    /// The encoder; heads and patches as recorded, all else by the cases' own names.
    func encoder() throws -> VisionTransformer.Config {
        var config = VisionTransformer.Config()
        config.patchSize = try settings.int("patch")
        config.imageSize = try wholePatches(in: settings.int("img"), of: config.patchSize)
        (config.width, config.depth) = (try settings.int("dim"), try settings.int("depth"))
        config.heads = try settings.int("heads")
        config.mlpRatio = try mlpRatio() ?? config.mlpRatio
        config.classToken = false
        return config
    }

    /// The hidden layer of the encoder's MLPs as a multiple of its width; nil where a case has no
    /// encoder.
    private func mlpRatio() throws -> Double? {
        let name = try item.names().first {
            $0.hasSuffix("blocks.0.mlp.fc1.weight") && !$0.contains("predictor")
        }
        guard let name else { return nil }
        let (hidden, width) = try item.tensor(name).shape2
        return Double(hidden) / Double(width)
    }

    /// A block sampler for which any grid will do: the masks are recorded.
    static var anyMasks: MultiBlockMask {
        var masks = MultiBlockMask()
        (masks.minKeep, masks.reachesEdges) = (0, true)
        (masks.contextScale, masks.targetScale, masks.aspectRatio) = ([1, 1], [1, 1], [1, 1])
        return masks
    }

    /// The same as settings of a run.
    static var anyMaskSettings: [String] {
        let masks = anyMasks
        return [
            "minKeep=\(masks.minKeep)", "reachesEdges=\(masks.reachesEdges)",
            "contextScale=\(masks.contextScale)", "targetScale=\(masks.targetScale)",
            "aspectRatio=\(masks.aspectRatio)",
        ].map { "method.masks.\($0)" }
    }

    func predictor() throws -> Predictor {
        let encoder = try encoder()
        let predictor = Predictor(
            width: try settings.int("pdim"), depth: try settings.int("pdepth"),
            heads: encoder.heads, encoder: encoder, generator: nil)
        try predictor.load(item.weights)
        return predictor
    }

    func ijepa(_ change: (inout IJEPA.Config) -> Void = { _ in }) throws -> IJEPA {
        var config = IJEPA.Config()
        config.masks = Self.anyMasks
        config.predictorWidth = try settings.int("pdim")
        config.predictorDepth = try settings.int("pdepth")
        change(&config)
        let generator = Generator(seed: 0)
        return try IJEPA(
            config, backbone: VisionTransformer(encoder(), generator: generator),
            generator: generator)
    }

    func stop(_ change: (inout StoP.Config) -> Void) throws -> StoP {
        var config = StoP.Config()
        config.masks = Self.anyMasks
        config.predictorWidth = try settings.int("pdim")
        config.predictorDepth = try settings.int("pdepth")
        config.noiseStd = try settings.double("var")
        for key in ["target_blocks", "K"] where settings.contains(key) {
            config.targetBlocks = try settings.int(key)
        }
        change(&config)
        let generator = Generator(seed: 0)
        return try StoP(
            config, backbone: VisionTransformer(encoder(), generator: generator),
            generator: generator)
    }

    // MARK: - Recorded draws

    /// The masks whose names begin so, `in/` or `in/step3_`.
    func masks(_ prefix: String = "in/") throws -> JointEmbeddingMasks {
        JointEmbeddingMasks(
            contexts: try numbered(prefix + "mask_enc_"),
            targets: try numbered(prefix + "mask_pred_"))
    }

    /// The noise of the target blocks, one after another; none where none was recorded.
    func noise(_ prefix: String) throws -> PositionNoise {
        var noise = PositionNoise()
        let units = try numbered(prefix)
        guard !units.isEmpty else { return noise }
        noise.targets = concatenated(units, 0) * (try settings.double("var"))
        return noise
    }

    /// The tensors `prefix0`, `prefix1`, … in order.
    private func numbered(_ prefix: String) throws -> [Tensor] {
        var found: [Tensor] = []
        while try item.contains(prefix + "\(found.count)") {
            found.append(try item.tensor(prefix + "\(found.count)"))
        }
        return found
    }
}
