import Configuration
import Data
import Evaluation
import Imaging
import VisionModels

/// What an evaluation can be told; `Protocol` is the protocol's own section.
struct EvaluationSettings<Protocol: Configuration>: Configuration {
    var features = FeatureExtractor.Config()
    var pictures = PictureSettings()
    var `protocol` = Protocol()

    init() { (Protocol.self as? any OwnInput.Type)?.setDefaults(&features, &pictures) }

    static var documentation: [String: String] {
        [
            "features": "what of the encoder's tokens is used",
            "pictures": "how the encoder is shown them", "protocol": "the evaluation itself",
        ]
    }
}

extension FeatureExtractor.Config {
    /// Takes the mean of the patches where an encoder has no class token and nobody asked for one.
    mutating func fit(_ encoder: any VisionEncoder, tokensAreStated: Bool) {
        guard !tokensAreStated, tokens == .cls, attention == nil, !encoder.hasClassToken else {
            return
        }
        tokens = .mean
    }

    /// The extractor of such features of an encoder.
    ///
    /// - Throws: `ConfigurationError` for features that the encoder does not have, with the key that
    ///   a command takes.
    func extractor(of encoder: any VisionEncoder) throws -> FeatureExtractor {
        do {
            return try FeatureExtractor(encoder, self)
        } catch let error as ConfigurationError {
            throw error.inside("features")
        }
    }
}

/// The settings of a protocol that is published with other features or pictures than most.
protocol OwnInput {
    /// Changes what holds unless the user says otherwise.
    static func setDefaults(
        _ features: inout FeatureExtractor.Config, _ pictures: inout PictureSettings)
}

extension PooledProbes.Config: OwnInput {
    /// The mean of the patches of each of the last four blocks.
    static func setDefaults(
        _ features: inout FeatureExtractor.Config, _ pictures: inout PictureSettings
    ) {
        (features.tokens, features.blocks) = (.mean, 4)
    }
}

extension LinearProbe.Config: OwnInput {
    /// Random crops are drawn as for MAE's linear probe.
    static func setDefaults(
        _ features: inout FeatureExtractor.Config, _ pictures: inout PictureSettings
    ) {
        pictures.cropForm = .clamped
    }
}

extension ReadOutProbes.Config: OwnInput {
    /// All tokens of the last block; random crops are drawn as for MAE's linear probe.
    static func setDefaults(
        _ features: inout FeatureExtractor.Config, _ pictures: inout PictureSettings
    ) {
        (features.tokens, pictures.cropForm) = (.all, .clamped)
    }
}

extension LogisticEvaluation.Config: OwnInput {
    /// The pictures of StoP's `logistic_eval.py`: the shorter side has the encoder's own size.
    static func setDefaults(
        _ features: inout FeatureExtractor.Config, _ pictures: inout PictureSettings
    ) {
        (pictures.margin, pictures.interpolation) = (false, .bilinear)
    }
}
