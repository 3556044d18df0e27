import Foundation
import VisionModels

// Colton, *Elucidating the Role of Feature Normalization in IJEPA* (2025).
extension CheckpointFamily {
    /// featurenorm's I-JEPA, whose encoder packs pictures of any size: `encoder`, `ema_encoder`,
    /// `predictor` in one dictionary.
    static let featurenorm = CheckpointFamily(
        "featurenorm", "featurenorm's I-JEPA (Colton 2025)", anchors: ["proj_in.weight"],
        others: [
            Other("ema_encoder.", "the average of the encoder"),
            Other("running_batchnorm.", "the statistics of the targets"),
        ], positionResize: .featurenorm, pixels: .half,
        architecture: { .featureNorm(try $0.featureNorm()) }
    ) { $0.has("blocks.0.attention.proj_qkv.weight") }
}

extension EncoderShape {
    /// The shape of featurenorm's encoder, of its tensors and of what its program wrote beside them.
    ///
    /// - Throws: `ConfigurationError` naming what is missing or contradictory.
    func featureNorm() throws -> FeatureNormEncoder.Config {
        let written = try FeatureNormSettings(beside: folder)
        return try FeatureNormEncoder.Config(
            inferredFrom: shapes, heads: heads ?? written?.heads
        ) { written?.apply(to: &$0) }
    }
}
