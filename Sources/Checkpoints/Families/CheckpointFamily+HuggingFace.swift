import VisionModels

// The layouts of Hugging Face's transformers, recorded from version 4.57.
extension CheckpointFamily {
    private static let anchor = ["embeddings.patch_embeddings.projection.weight"]

    /// `ViTModel` and `DeiTModel`, bare and in models for tasks.
    static let huggingFaceViT = CheckpointFamily(
        "hf-vit", "Hugging Face ViT", anchors: anchor, names: embeddings + viTLayers + classifiers,
        adopts: classifierNames, others: huggingFaceOthers, pixels: .half
    ) { $0.has("encoder.layer.0.layernorm_before.weight") && $0.has("embeddings.cls_token") }

    /// `ViTMAEModel` and `ViTMAEForPreTraining`.
    static let huggingFaceMAE = CheckpointFamily(
        "hf-mae", "Hugging Face ViTMAE", anchors: anchor, names: embeddings + viTLayers,
        others: huggingFaceOthers, positionResize: .mae
    ) { evidence in
        evidence.has("encoder.layer.0.layernorm_before.weight")
            && (evidence.hasSibling("decoder.decoder_embed")
                || evidence.settings?.modelType == "vit_mae")
    }

    /// `IJepaModel`: no class token.
    static let huggingFaceIJEPA = CheckpointFamily(
        "hf-ijepa", "Hugging Face IJepa", anchors: anchor,
        names: embeddings + viTLayers + classifiers, adopts: classifierNames,
        others: huggingFaceOthers, positionResize: .iJEPA
    ) { evidence in
        evidence.has("encoder.layer.0.layernorm_before.weight")
            && !evidence.has("embeddings.cls_token")
            && evidence.has("embeddings.position_embeddings")
    }

    static let embeddings = [
        NameRule("cls_token", "embeddings.cls_token"),
        NameRule("dist_token", "embeddings.distillation_token"),
        NameRule("reg_token", "embeddings.register_tokens"),
        NameRule("pos_embed", "embeddings.position_embeddings"),
        NameRule("patch_embed.proj.%", "embeddings.patch_embeddings.projection.%"),
        NameRule("mask_token", "embeddings.mask_token"),
        NameRule("norm.%", "layernorm.%"),
    ]

    static let viTLayers =
        [
            NameRule("blocks.*.norm1.%", "encoder.layer.*.layernorm_before.%"),
            NameRule("blocks.*.norm2.%", "encoder.layer.*.layernorm_after.%"),
            NameRule("blocks.*.attn.proj.%", "encoder.layer.*.attention.output.dense.%"),
            NameRule("blocks.*.mlp.fc1.%", "encoder.layer.*.intermediate.dense.%"),
            NameRule("blocks.*.mlp.fc2.%", "encoder.layer.*.output.dense.%"),
        ]
        + .separateQKV(
            own: "blocks.*.attn", query: "encoder.layer.*.attention.attention.query",
            key: "encoder.layer.*.attention.attention.key",
            value: "encoder.layer.*.attention.attention.value")

    /// The heads of models for classification, which stand beside the encoder.
    static let classifiers = [
        NameRule("head.%", "classifier.%"), NameRule("head.%", "cls_classifier.%"),
        NameRule("head_dist.%", "distillation_classifier.%"),
    ]

    static let classifierNames = ["classifier.", "cls_classifier.", "distillation_classifier."]

    static let huggingFaceOthers = [
        Other("classifier.", "a classifier"), Other("cls_classifier.", "a classifier"),
        Other("distillation_classifier.", "a classifier"),
        Other("decoder.", "the decoder of pre-training"),
        Other("lm_head.", "the head that predicts visual tokens"),
        Other("layernorm.", "the norm of the head that predicts visual tokens"),
        Other("embeddings.mask_token", "what replaces masked patches"),
    ]

    /// `Dinov2Model` and `Dinov2WithRegistersModel`: Oquab et al., *DINOv2: Learning Robust Visual
    /// Features without Supervision* (2023); Darcet et al., *Vision Transformers Need Registers*
    /// (2024).
    static let huggingFaceDINOv2 = CheckpointFamily(
        "hf-dinov2", "Hugging Face Dinov2", anchors: anchor,
        names: embeddings + [
            NameRule("blocks.*.norm1.%", "encoder.layer.*.norm1.%"),
            NameRule("blocks.*.norm2.%", "encoder.layer.*.norm2.%"),
            NameRule("blocks.*.attn.proj.%", "encoder.layer.*.attention.output.dense.%"),
            NameRule("blocks.*.gamma_1", "encoder.layer.*.layer_scale1.lambda1"),
            NameRule("blocks.*.gamma_2", "encoder.layer.*.layer_scale2.lambda1"),
            NameRule("blocks.*.mlp.fc1.%", "encoder.layer.*.mlp.fc1.%"),
            NameRule("blocks.*.mlp.fc2.%", "encoder.layer.*.mlp.fc2.%"),
            NameRule("blocks.*.mlp.w12.%", "encoder.layer.*.mlp.weights_in.%"),
            NameRule("blocks.*.mlp.w3.%", "encoder.layer.*.mlp.weights_out.%"),
        ]
            + .separateQKV(
                own: "blocks.*.attn", query: "encoder.layer.*.attention.attention.query",
                key: "encoder.layer.*.attention.attention.key",
                value: "encoder.layer.*.attention.attention.value") + classifiers,
        adopts: classifierNames, others: huggingFaceOthers
    ) { $0.has("encoder.layer.0.norm1.weight") && $0.has("encoder.layer.0.layer_scale1.lambda1") }

    /// `DINOv3ViTModel`: Siméoni et al., *DINOv3* (2025).
    static let huggingFaceDINOv3 = CheckpointFamily(
        "hf-dinov3", "Hugging Face DINOv3ViT", anchors: ["embeddings.patch_embeddings.weight"],
        names: [
            NameRule("cls_token", "embeddings.cls_token"),
            NameRule("reg_token", "embeddings.register_tokens"),
            NameRule("mask_token", "embeddings.mask_token"),
            NameRule("patch_embed.proj.%", "embeddings.patch_embeddings.%"),
            NameRule("blocks.*.norm1.%", "layer.*.norm1.%"),
            NameRule("blocks.*.norm2.%", "layer.*.norm2.%"),
            NameRule("blocks.*.attn.proj.%", "layer.*.attention.o_proj.%"),
            NameRule("blocks.*.gamma_1", "layer.*.layer_scale1.lambda1"),
            NameRule("blocks.*.gamma_2", "layer.*.layer_scale2.lambda1"),
        ]
            + .separateGates(
                gate: "layer.*.mlp.gate_proj", value: "layer.*.mlp.up_proj",
                output: "layer.*.mlp.down_proj")
            + [
                NameRule("blocks.*.mlp.fc1.%", "layer.*.mlp.up_proj.%"),
                NameRule("blocks.*.mlp.fc2.%", "layer.*.mlp.down_proj.%"),
            ]
            + .separateQKV(
                own: "blocks.*.attn", query: "layer.*.attention.q_proj",
                key: "layer.*.attention.k_proj", value: "layer.*.attention.v_proj"),
        others: huggingFaceOthers,
        architecture: { .visionTransformer(try $0.dinoV3()) }
    ) { $0.has("layer.0.attention.q_proj.weight") }

    /// `BeitModel` and `Data2VecVisionModel`, bare and in models for tasks.
    static let huggingFaceBEiT = CheckpointFamily(
        "hf-beit", "Hugging Face Beit", anchors: anchor,
        names: embeddings + viTLayers + classifiers + [
            NameRule("blocks.*.gamma_1", "encoder.layer.*.lambda_1"),
            NameRule("blocks.*.gamma_2", "encoder.layer.*.lambda_2"),
            NameRule(
                "rel_pos_bias.relative_position_bias_table",
                "encoder.relative_position_bias.relative_position_bias_table"),
            NameRule(
                "blocks.*.attn.relative_position_bias_table",
                NamePattern(
                    "encoder.layer.*.attention.attention.relative_position_bias"
                        + ".relative_position_bias_table")),
            NameRule("fc_norm.%", "pooler.layernorm.%"),
        ],
        // The final norm of a model for masked image modelling stands with its head.
        adopts: ["layernorm."] + classifierNames,
        others: huggingFaceOthers, biasResize: .beit, pixels: .half
    ) { evidence in
        evidence.has("encoder.layer.0.layernorm_before.weight")
            && (evidence.has("encoder.layer.0.lambda_1")
                || evidence.has("pooler.layernorm.weight")
                || evidence.set.shapes.keys.contains {
                    $0.hasSuffix("relative_position_bias_table")
                })
    }

    /// `CLIPVisionModel`, and the visual tower of `CLIPModel`.
    static let huggingFaceCLIP = CheckpointFamily(
        "hf-clip", "Hugging Face CLIP's visual tower",
        anchors: ["embeddings.patch_embedding.weight"],
        names: [
            NameRule("cls_token", "embeddings.class_embedding", .leading(2)),
            NameRule("pos_embed", "embeddings.position_embedding.weight", .leading(1)),
            NameRule("patch_embed.proj.%", "embeddings.patch_embedding.%"),
            // The library's own spelling.
            NameRule("norm_pre.%", "pre_layrnorm.%"),
            NameRule("norm.%", "post_layernorm.%"),
            NameRule("blocks.*.norm1.%", "encoder.layers.*.layer_norm1.%"),
            NameRule("blocks.*.norm2.%", "encoder.layers.*.layer_norm2.%"),
            NameRule("blocks.*.attn.proj.%", "encoder.layers.*.self_attn.out_proj.%"),
            NameRule("blocks.*.mlp.fc1.%", "encoder.layers.*.mlp.fc1.%"),
            NameRule("blocks.*.mlp.fc2.%", "encoder.layers.*.mlp.fc2.%"),
        ]
            + .separateQKV(
                own: "blocks.*.attn", query: "encoder.layers.*.self_attn.q_proj",
                key: "encoder.layers.*.self_attn.k_proj", value: "encoder.layers.*.self_attn.v_proj"
            ),
        others: [
            Other("visual_projection.", "the projection to CLIP's embeddings"),
            Other("text_model.", "the tower of texts"),
            Other("text_projection.", "the tower of texts"),
            Other("logit_scale", "the temperature"),
            Other("embeddings.position_ids", "the numbers of the positions"),
        ],
        positionResize: .maPeT, pixels: .clip,
        architecture: { .visionTransformer(try $0.clip()) }
    ) { $0.has("embeddings.class_embedding") }
}
