import VisionModels

// The later DINOs and EVA: registers, gated MLPs, rotary positions.
extension CheckpointFamily {
    /// Oquab et al., *DINOv2* (2023), under its own names, with and without registers.
    static let dinoV2 = CheckpointFamily(
        "dinov2", "DINOv2 (Oquab et al. 2023)",
        names: layerScale + [NameRule("reg_token", "register_tokens")] + chunkedBlocks,
        others: headsOfStudents
    ) { evidence in
        (evidence.has("blocks.0.ls1.gamma") || evidence.has("blocks.0.0.ls1.gamma"))
            && evidence.has("mask_token")
    }

    /// Training files number the blocks inside of chunks: `blocks.2.17.norm1.weight`.
    private static let chunkedBlocks = [
        ("norm1.%", "norm1.%"), ("norm2.%", "norm2.%"), ("attn.qkv.%", "attn.qkv.%"),
        ("attn.proj.%", "attn.proj.%"), ("gamma_1", "ls1.gamma"), ("gamma_2", "ls2.gamma"),
        ("mlp.fc1.%", "mlp.fc1.%"), ("mlp.fc2.%", "mlp.fc2.%"), ("mlp.w12.%", "mlp.w12.%"),
        ("mlp.w3.%", "mlp.w3.%"),
    ].map { own, foreign in
        NameRule(NamePattern("blocks.*." + own), NamePattern("blocks.#.*." + foreign))
    }

    /// Siméoni et al., *DINOv3* (2025), under its own names.
    static let dinoV3 = CheckpointFamily(
        "dinov3", "DINOv3 (Siméoni et al. 2025)",
        names: layerScale + [NameRule("reg_token", "storage_tokens")], others: headsOfStudents
    ) { $0.has("storage_tokens") || $0.has("rope_embed.periods") }

    /// DINOv3 as timm renames it: no positions, no bias of q, k and v.
    static let dinoV3Timm = CheckpointFamily(
        "dinov3-timm", "DINOv3 with timm's names", names: evaNames
    ) { evidence in
        evidence.has("reg_token") && !evidence.has("pos_embed")
            && evidence.has("blocks.0.gamma_1") && !evidence.has("blocks.0.attn.q_bias")
    }

    /// Fang et al., *EVA: Exploring the Limits of Masked Visual Representation Learning at Scale*
    /// (2023), and EVA-02, with timm's names.
    static let eva = CheckpointFamily(
        "eva", "EVA or EVA-02 with timm's names (Fang et al. 2023)", names: evaNames,
        pixels: .clip
    ) { evidence in
        !evidence.hasRelativeBiases
            && (evidence.has("blocks.0.attn.q_proj.weight")
                || evidence.hasBEiTBlocks && evidence.set.settingsAreNoSimMIM)
    }

    private static let evaNames =
        [NameRule].separateGates(
            gate: "blocks.*.mlp.fc1_g", value: "blocks.*.mlp.fc1_x", output: "blocks.*.mlp.fc2")
        + .packedGates
        + .separateQKV(
            own: "blocks.*.attn", query: "blocks.*.attn.q_proj", key: "blocks.*.attn.k_proj",
            value: "blocks.*.attn.v_proj")

    /// featurenorm's I-JEPA, whose encoder has its own blocks.
    static let featurenorm = CheckpointFamily(
        "featurenorm", "featurenorm's I-JEPA", anchors: ["proj_in.weight"],
        positionResize: .featurenorm, architecture: { _ in throw noModel("featurenorm") }
    ) { $0.has("blocks.0.attention.proj_qkv.weight") }
}

extension TensorSet {
    /// EVA has absolute positions, BEiT's files mostly have none.
    fileprivate var settingsAreNoSimMIM: Bool { has("pos_embed") || has("reg_token") }
}
