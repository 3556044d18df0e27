import Configuration
import NN
import VisionModels

// Radford et al., *Learning Transferable Visual Models From Natural Language Supervision* (2021).
extension CheckpointFamily {
    /// The visual transformer of CLIP under OpenAI's names, mostly behind `visual.`.
    static let clip = CheckpointFamily(
        "clip", "CLIP's visual transformer (Radford et al. 2021)", anchors: ["conv1.weight"],
        names: [
            NameRule("cls_token", "class_embedding", .leading(2)),
            NameRule("pos_embed", "positional_embedding", .leading(1)),
            NameRule("patch_embed.proj.%", "conv1.%"),
            NameRule("norm_pre.%", "ln_pre.%"),
            NameRule("norm.%", "ln_post.%"),
            NameRule("blocks.*.norm1.%", "transformer.resblocks.*.ln_1.%"),
            NameRule("blocks.*.norm2.%", "transformer.resblocks.*.ln_2.%"),
            NameRule("blocks.*.attn.qkv.weight", "transformer.resblocks.*.attn.in_proj_weight"),
            NameRule("blocks.*.attn.qkv.bias", "transformer.resblocks.*.attn.in_proj_bias"),
            NameRule("blocks.*.attn.proj.%", "transformer.resblocks.*.attn.out_proj.%"),
            NameRule("blocks.*.mlp.fc1.%", "transformer.resblocks.*.mlp.c_fc.%"),
            NameRule("blocks.*.mlp.fc2.%", "transformer.resblocks.*.mlp.c_proj.%"),
            NameRule("head.weight", "proj", .transposed),
        ],
        headIsClassifier: false, others: textTower, positionResize: .maPeT, pixels: .clip,
        architecture: { .visionTransformer(try $0.clip()) }
    ) { $0.has("class_embedding") && $0.has("transformer.resblocks.0.ln_1.weight") }

    /// The ResNet of CLIP, with attention pooling.
    static let clipResNet = CheckpointFamily(
        "clip-resnet", "CLIP's ResNet (Radford et al. 2021)", anchors: ["conv1.weight"],
        others: textTower, positionResize: .maPeT, pixels: .clip,
        architecture: { .modifiedResNet(try $0.modifiedResNet()) }
    ) { $0.has("attnpool.positional_embedding") && $0.has("layer1.0.conv1.weight") }

    private static let textTower = [
        Other("head.", "the projection to CLIP's embeddings"),
        Other("proj", "the projection to CLIP's embeddings"),
        Other("transformer.", "the tower of texts"),
        Other("token_embedding.", "the tower of texts"),
        Other("positional_embedding", "the tower of texts"),
        Other("ln_final.", "the tower of texts"),
        Other("text_projection", "the tower of texts"), Other("logit_scale", "the temperature"),
        Other("input_resolution", "numbers of the texts and pictures"),
        Other("context_length", "numbers of the texts and pictures"),
        Other("vocab_size", "numbers of the texts and pictures"),
    ]

    /// The error of a family whose model is not here; `advice` says what takes its files.
    static func noModel(
        _ name: String, _ advice: String = "`tessera checkpoint extract` takes its tensors out"
    ) -> CheckpointError {
        CheckpointError(
            .noModel,
            "the checkpoint is of the family \(name), for whose encoder there is no model here; "
                + advice)
    }
}

extension EncoderShape {
    /// A CLIP tower: ε of 1e-5, QuickGELU.
    func clip() throws -> VisionTransformer.Config {
        try visionTransformer { config in
            config.normEps = 1e-5
            config.mlp = .quickGELU
        }
    }
}
