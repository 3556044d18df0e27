import NN
import VisionModels

/// A program that an encoder is written for.
public enum ExportTarget: String, CaseIterable, Sendable {
    /// timm's names, as safetensors.
    case timm
    /// A folder with `model.safetensors` and `config.json`, as Hugging Face's transformers read it.
    case huggingface
    /// `{"model": …}`, as MAE's code reads it for fine-tuning and probing.
    case mae
    /// `{"state_dict": …}`, as iBOT's evaluations read a backbone.
    case ibot
    /// `classy_state_dict.base_model.model.trunk`, as VISSL's linear evaluation reads it.
    case vissl
    /// Tessera's own names, as safetensors.
    case safetensors
}

extension ExportTarget {
    /// The family whose names an encoder gets.
    ///
    /// - Throws: `CheckpointError` where the target has no model of this form.
    func family(of config: VisionTransformer.Config) throws -> CheckpointFamily {
        func refuse(_ reason: String) -> CheckpointError {
            CheckpointError(
                .noModel, "\(rawValue) has no model with \(reason): `--to safetensors` writes any")
        }
        switch self {
        case .safetensors: return .timm
        case .timm:
            if config.relativePositions != .none { return .beit }
            switch config.rotary {
            case .eva02: return .eva
            case .dinoV3: return .dinoV3Timm
            case nil: return .timm
            }
        case .mae, .ibot, .vissl:
            if let feature = config.beyondFirstTransformers { throw refuse(feature) }
            if self != .vissl, !config.classToken { throw refuse("patches alone") }
            if self == .mae, config.layerScale != nil { throw refuse("LayerScale") }
            return self == .mae ? .mae : self == .ibot ? .iBOT : .vissl
        case .huggingface: return try huggingFace(config, refuse)
        }
    }

    private func huggingFace(
        _ config: VisionTransformer.Config, _ refuse: (String) -> CheckpointError
    ) throws -> CheckpointFamily {
        if config.rotary == .dinoV3 { return .huggingFaceDINOv3 }
        if config.rotary != nil { throw refuse("EVA's rotary positions") }
        if config.relativePositions != .none { return .huggingFaceBEiT }
        if config.preNorm { return .huggingFaceCLIP }
        if config.queryKeyNorm { throw refuse("norms of queries and keys") }
        if config.distillationToken { throw refuse("a distillation token and no classifiers") }
        if config.layerScale != nil, config.classToken { return .huggingFaceDINOv2 }
        if config.registers > 0 || config.layerScale != nil {
            throw refuse("registers or LayerScale in this form")
        }
        return config.classToken ? .huggingFaceViT : .huggingFaceIJEPA
    }
}

extension VisionTransformer.Config {
    /// What of the model the first vision transformers did not have; nil for nothing.
    fileprivate var beyondFirstTransformers: String? {
        if registers > 0 || distillationToken { return "more than one token before the patches" }
        if relativePositions != .none { return "relative positions" }
        if rotary != nil { return "rotary positions" }
        if preNorm { return "a norm before the blocks" }
        if queryKeyNorm || attentionNorm { return "norms inside of attention" }
        if qkvBias != .all { return "other biases of queries, keys and values" }
        if mlp != .gelu { return "the network \(mlp.rawValue)" }
        return nil
    }
}
