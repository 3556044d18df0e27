import VisionModels

// Liu et al., *Swin Transformer: Hierarchical Vision Transformer using Shifted Windows* (2021).
extension CheckpointFamily {
    /// Swin under its own names: downsampling ends a stage.
    static let swin = CheckpointFamily(
        "swin", "Swin (Liu et al. 2021)", biasResize: .swin,
        architecture: { .swinTransformer(try $0.swinTransformer()) }
    ) { $0.hasSwinStages }

    /// Xie et al., *SimMIM* (2022), its Swin.
    static let swinSimMIM = CheckpointFamily(
        "simmim-swin", "SimMIM's Swin (Xie et al. 2022)", biasResize: .simMIM,
        architecture: { .swinTransformer(try $0.swinTransformer()) }
    ) { $0.hasSwinStages && ($0.hasSibling("decoder.0.") || $0.hasPart("lr_scheduler")) }

    /// iBOT's Swin, student and teacher.
    static let swinIBOT = CheckpointFamily(
        "ibot-swin", "iBOT's Swin (Zhou et al. 2022)", others: headsOfStudents,
        biasResize: .iBOTSwin,
        architecture: { .swinTransformer(try $0.swinTransformer(normEps: 1e-6)) }
    ) { $0.hasSwinStages && $0.isOfIBOT }

    /// timm's Swin, where downsampling begins the next stage.
    static let swinTimm = CheckpointFamily(
        "timm-swin", "Swin with timm's names",
        names: laterDownsampling + [NameRule("head.%", "head.fc.%")], biasResize: .swin,
        architecture: { .swinTransformer(try $0.swinTransformer()) }
    ) {
        $0.hasSwinStages && !$0.has("layers.0.downsample.reduction.weight")
            && $0.has("layers.1.downsample.reduction.weight")
    }

    /// What leads to stage s + 1 belongs to stage s here.
    private static let laterDownsampling = (0..<8).flatMap { stage in
        ["norm.%", "reduction.%"].map { part in
            NameRule(
                NamePattern("layers.\(stage).downsample.\(part)"),
                NamePattern("layers.\(stage + 1).downsample.\(part)"))
        }
    }

    /// `SwinModel` of Hugging Face, bare and in models for tasks.
    static let huggingFaceSwin = CheckpointFamily(
        "hf-swin", "Hugging Face Swin",
        anchors: ["embeddings.patch_embeddings.projection.weight"],
        names: [
            NameRule("absolute_pos_embed", "embeddings.position_embeddings"),
            NameRule("mask_token", "embeddings.mask_token"),
            NameRule("patch_embed.proj.%", "embeddings.patch_embeddings.projection.%"),
            NameRule("patch_embed.norm.%", "embeddings.norm.%"),
            NameRule("norm.%", "layernorm.%"),
            NameRule("layers.*.downsample.norm.%", "encoder.layers.*.downsample.norm.%"),
            NameRule("layers.*.downsample.reduction.%", "encoder.layers.*.downsample.reduction.%"),
        ]
            + [
                ("norm1.%", "layernorm_before.%"), ("norm2.%", "layernorm_after.%"),
                ("attn.proj.%", "attention.output.dense.%"),
                (
                    "attn.relative_position_bias_table",
                    "attention.self.relative_position_bias_table"
                ),
                ("mlp.fc1.%", "intermediate.dense.%"), ("mlp.fc2.%", "output.dense.%"),
            ]
            .map { own, foreign in
                NameRule(
                    NamePattern("layers.*.blocks.*." + own),
                    NamePattern("encoder.layers.*.blocks.*." + foreign))
            }
            + classifiers
            + .separateQKV(
                own: "layers.*.blocks.*.attn",
                query: "encoder.layers.*.blocks.*.attention.self.query",
                key: "encoder.layers.*.blocks.*.attention.self.key",
                value: "encoder.layers.*.blocks.*.attention.self.value"),
        adopts: classifierNames, others: huggingFaceOthers, biasResize: .swin,
        architecture: { .swinTransformer(try $0.swinTransformer()) }
    ) { $0.has("encoder.layers.0.blocks.0.layernorm_before.weight") }
}

extension Evidence {
    var hasSwinStages: Bool {
        has("layers.0.blocks.0.attn.qkv.weight")
            && has("layers.0.blocks.0.attn.relative_position_bias_table")
    }
}
