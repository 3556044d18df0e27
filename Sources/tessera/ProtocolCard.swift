import Data
import Evaluation
import Imaging
import Training
import VisionModels

/// What every score of an evaluation has in common: which encoder, how it is shown the pictures.
///
/// With the settings of the protocol it says all that a score depends on, so that two scores can be
/// compared or must not be.
struct ProtocolCard {
    /// By the keys of `scores.json`.
    let settings: [String: Score.Setting]

    init(_ encoder: PretrainedEncoder, _ pictures: PictureSettings, data: String) {
        let size = encoder.model.imageSize
        let interpolation = pictures.interpolation
        let crops =
            pictures.crops == .center ? interpolation : pictures.cropInterpolation ?? .bicubic
        var settings: [String: Score.Setting] = [
            "weights": .text(encoder.origin),
            "checksum": .text(FeatureIdentity.checksum(of: encoder.model)),
            "data": .text(data), "imageSize": .number(Double(size)),
            "resize": .number(Double(pictures.shortSide(imageSize: size))),
            "crops": .text(pictures.crops.rawValue),
            "interpolation": .text(
                crops == interpolation
                    ? crops.rawValue : "\(interpolation.rawValue); crops \(crops.rawValue)"),
            "mean": .text(Self.numbers(encoder.data.mean)),
            "std": .text(Self.numbers(encoder.data.std)),
        ]
        if pictures.crops == .random { settings["cropForm"] = .text(pictures.cropForm.rawValue) }
        self.settings = settings
    }

    /// A score with the card and what of the tokens it was made of.
    func completing(_ score: Score, _ features: FeatureExtractor.Config) -> Score {
        var score = score
        var used: [String: Score.Setting] = [
            "tokens": .text(features.attention?.rawValue ?? features.tokens.rawValue),
            "blocks": .number(Double(features.blocks)),
            "stride": .number(Double(features.stride)),
            "leftOut": .number(Double(features.leftOut)), "finalNorm": .flag(features.finalNorm),
        ]
        if features.dropPath > 0 { used["dropPath"] = .number(features.dropPath) }
        if let precision = features.precision { used["precision"] = .text(precision.rawValue) }
        if features.scales != [1] {
            used["scales"] = .text(features.scales.map { "\($0)" }.joined(separator: " "))
        }
        score.settings.merge(settings.merging(used) { own, _ in own }) { own, _ in own }
        return score
    }

    /// Keys that are the same for all scores of an evaluation, in the order in which people read them.
    static let commonKeys = [
        "weights", "checksum", "data", "imageSize", "resize", "crops", "cropForm", "interpolation",
        "mean", "std",
    ]

    private static func numbers(_ values: [Double]) -> String {
        values.map { "\($0)" }.joined(separator: " ")
    }

    /// What tells the protocol of a score from others of its evaluation, for people: `cls · epochs 100`.
    static func text(_ score: Score) -> String {
        let order = [
            "tokens", "blocks", "leftOut", "finalNorm", "k", "temperature", "lambda",
            "preparation", "penalty", "optimizer", "learningRate", "weightDecay", "epoch", "epochs",
            "batch", "clusters", "usedClusters", "prototypes", "seed",
        ]
        return order.compactMap { key in
            guard let value = score.settings[key] else { return nil }
            switch (key, value) {
            case ("leftOut", .number(0)), ("weightDecay", .number(0)), ("blocks", .number(1)):
                return nil
            case ("tokens", _), ("preparation", _), ("penalty", _), ("optimizer", _):
                return value.text
            case ("finalNorm", .flag(let on)): return on ? nil : "no final norm"
            default: return "\(names[key] ?? key) \(value.text)"
            }
        }.joined(separator: " · ")
    }

    private static let names = [
        "learningRate": "lr", "weightDecay": "wd", "temperature": "T", "lambda": "λ",
        "epoch": "best epoch",
    ]
}

extension Score {
    /// The settings that a table of scores shows: without the results of every learning rate, which are a
    /// chart's.
    var shownSettings: [(name: String, value: String)] {
        settings.filter {
            $0.key != "rawPixels" && !$0.key.hasPrefix("top1 at ") && !$0.key.hasPrefix("top1 of ")
        }
        .sorted { $0.key < $1.key }.map { ($0.key, $0.value.text) }
    }
}
