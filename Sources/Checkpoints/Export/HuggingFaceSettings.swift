import Foundation
import NN
import Torch
import VisionModels

/// The `config.json` of a model of Hugging Face's transformers.
struct HuggingFaceSettings {
    /// What stands before all names of tensors.
    let prefix: String
    private let fields: [String: any Encodable & Sendable]

    /// - Throws: `CheckpointError` where the library would make another model of these settings.
    init(_ config: VisionTransformer.Config, _ family: CheckpointFamily) throws {
        let hidden = Int(Double(config.width) * config.mlpRatio + 1e-6)
        var fields: [String: any Encodable & Sendable] = [
            "hidden_size": config.width, "num_hidden_layers": config.depth,
            "num_attention_heads": config.heads, "intermediate_size": hidden,
            "hidden_act": config.mlp == .quickGELU ? "quick_gelu" : "gelu",
            "layer_norm_eps": config.normEps, "image_size": config.imageSize,
            "patch_size": config.patchSize, "num_channels": config.channels,
            "qkv_bias": config.qkvBias != .none, "torch_dtype": "float32",
        ]
        var prefix = ""
        let kind: (type: String, model: String)
        switch family.name {
        case "hf-ijepa": kind = ("ijepa", "IJepaModel")
        case "hf-clip":
            kind = ("clip_vision_model", "CLIPVisionModel")
            prefix = "vision_model."
        case "hf-beit":
            kind = ("beit", "BeitModel")
            fields["use_relative_position_bias"] = config.relativePositions == .perBlock
            fields["use_shared_relative_position_bias"] = config.relativePositions == .shared
            fields["use_absolute_position_embeddings"] = config.positions != .none
            fields["use_mean_pooling"] = config.finalNorm == .pooled
            fields["layer_scale_init_value"] = config.layerScale ?? 0
        case "hf-dinov2":
            kind =
                config.registers > 0
                ? ("dinov2_with_registers", "Dinov2WithRegistersModel")
                : ("dinov2", "Dinov2Model")
            if config.registers > 0 { fields["num_register_tokens"] = config.registers }
            fields["mlp_ratio"] = try Self.dinoV2Ratio(config, hidden)
            fields["use_swiglu_ffn"] = config.mlp == .swiGLU
            fields["layerscale_value"] = 1.0
        case "hf-dinov3":
            kind = ("dinov3_vit", "DINOv3ViTModel")
            fields["num_register_tokens"] = config.registers
            fields["use_gated_mlp"] = config.mlp == .swiGLU
            if config.mlp == .swiGLU { fields["hidden_act"] = "silu" }
            fields["query_bias"] = config.qkvBias != .none
            fields["key_bias"] = config.qkvBias == .all
            fields["value_bias"] = config.qkvBias != .none
            fields["rope_theta"] = config.rotaryBase ?? 100
            fields["layerscale_value"] = 1.0
        default: kind = config.distillationToken ? ("deit", "DeiTModel") : ("vit", "ViTModel")
        }
        fields["model_type"] = kind.type
        fields["architectures"] = [kind.model]
        self.fields = fields
        self.prefix = prefix
    }

    /// DINOv2 counts the hidden layer of a gated network before two thirds of it are taken.
    private static func dinoV2Ratio(
        _ config: VisionTransformer.Config, _ hidden: Int
    ) throws -> Int {
        let isGated = config.mlp == .swiGLU
        let ratio = (Double(hidden) / Double(config.width) * (isGated ? 1.5 : 1)).rounded()
        let made = Int(Double(config.width) * ratio)
        let expected = isGated ? (made * 2 / 3 + 7) / 8 * 8 : made
        guard expected == hidden, ratio >= 1 else {
            throw CheckpointError(
                .noModel,
                "Hugging Face's Dinov2 has no hidden layer of \(hidden) for a width of "
                    + "\(config.width): whole multiples of the width alone")
        }
        return Int(ratio)
    }

    /// Tensors that the library's model has and an encoder of ours has not, under our names.
    func unused(_ config: VisionTransformer.Config) -> [(name: String, tensor: Tensor)] {
        let type = fields["model_type"] as? String ?? ""
        switch type {
        case "dinov2", "dinov2_with_registers":
            return [("mask_token", .zeros([1, config.width]))]
        case "dinov3_vit":
            let mask = ("mask_token", Tensor.zeros([1, 1, config.width]))
            // Models without registers have them too, none.
            let none = ("reg_token", Tensor.zeros([1, 0, config.width]))
            return config.registers == 0 ? [mask, none] : [mask]
        default: return []
        }
    }

    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return try encoder.encode(fields.mapValues(AnyField.init))
    }

    private struct AnyField: Encodable {
        let value: any Encodable

        func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
    }
}
