import Configuration
import Foundation
import NN
public import Optimizers
public import Torch
public import VisionModels

/// An encoder that can be fine-tuned.
public protocol FineTunedEncoder: ClassifiableEncoder {
    associatedtype Shape: FineTunedModel

    var config: Shape { get }

    /// Starts the weights of an encoder that is trained without pre-training.
    func initializeForClassification(generator: Generator?)
}

/// The shape of an encoder that can be fine-tuned.
public protocol FineTunedModel: EncoderConfiguration
where Encoder: FineTunedEncoder, Encoder.Shape == Self {
    /// What fine-tuning such a model is called in recipes and on the command line.
    static var fineTuningName: String { get }

    /// The published model, as it is fine-tuned.
    static var fineTuned: Self { get }

    /// The layer of each parameter, for learning rates that fall towards the input.
    var layers: LayerNumbers { get }

    /// Settings that fine-tuning has by itself, whatever the pre-trained encoder has.
    var taskKeys: Set<String> { get }

    /// Throws `ConfigurationError` for a model that no classifier can be put on.
    func validateFineTuning() throws
}

extension FineTunedModel {
    /// What a fine-tuned model takes over from this one, a pre-trained encoder's, as JSON: all but
    /// `taskKeys`.
    public func inherited() throws -> String {
        let encoded = try JSONSerialization.jsonObject(with: JSONEncoder().encode(self))
        let kept = (encoded as? [String: Any] ?? [:]).filter { !taskKeys.contains($0.key) }
        let data = try JSONSerialization.data(withJSONObject: kept, options: .sortedKeys)
        return String(decoding: data, as: UTF8.self)
    }
}

// MARK: - Vision transformers

extension VisionTransformer: FineTunedEncoder {
    public func initializeForClassification(generator: Generator?) {
        initializeTruncatedNormal(generator: generator)
    }
}

extension VisionTransformer.Config: FineTunedModel {
    public static var fineTuningName: String { "finetune" }

    /// ViT-B/16 as MAE fine-tunes it: the mean of the patches behind a norm of its own, positions that
    /// learn too.
    public static var fineTuned: Self {
        var config = Self()
        (config.positions, config.pooling, config.finalNorm) = (.learned, .mean, .pooled)
        config.dropPath = 0.1
        return config
    }

    public var layers: LayerNumbers { .visionTransformer(depth: depth) }

    public var taskKeys: Set<String> {
        let keys: Set = ["pooling", "finalNorm", "dropPath", "masksPatches"]
        // Fixed positions are where learned ones start.
        return positions == .none || positions == .learned ? keys : keys.union(["positions"])
    }

    public func validateFineTuning() throws {
        guard pooling != .none else {
            throw ConfigurationError.invalid(
                "model.pooling", found: pooling.rawValue, expected: "token or mean",
                advice: "the head sees one feature of an image")
        }
    }
}

// MARK: - Swin transformers

extension SwinTransformer: FineTunedEncoder {
    /// Nothing: the model's own starting weights are the published ones.
    public func initializeForClassification(generator: Generator?) {}
}

extension SwinTransformer.Config: FineTunedModel {
    public static var fineTuningName: String { "finetune-swin" }

    /// Swin-B with windows of 7 as SimMIM fine-tunes it.
    public static var fineTuned: Self {
        var config = Self()
        config.width = 128
        (config.depths, config.heads, config.dropPath) = ([2, 2, 18, 2], [4, 8, 16, 32], 0.1)
        return config
    }

    public var layers: LayerNumbers { .swin(depths: depths) }

    public var taskKeys: Set<String> { ["dropPath", "maskedPatches", "savesMasks"] }

    public func validateFineTuning() throws {}
}
