import NN
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
        names: layerScale + [NameRule("reg_token", "storage_tokens")], others: headsOfStudents,
        architecture: { .visionTransformer(try $0.dinoV3()) }
    ) { $0.has("storage_tokens") || $0.has("rope_embed.periods") }

    /// DINOv3 as timm renames it: no positions, and mostly no bias of q, k and v.
    static let dinoV3Timm = CheckpointFamily(
        "dinov3-timm", "DINOv3 with timm's names", names: timmGates,
        architecture: { .visionTransformer(try $0.dinoV3()) }
    ) { evidence in
        evidence.has("reg_token") && !evidence.has("pos_embed")
            && evidence.has("blocks.0.gamma_1")
            // Others with such biases have other numbers of registers.
            && (!evidence.has("blocks.0.attn.q_bias")
                || evidence.set.shapes["reg_token"]?.dropFirst().first == 4)
    }

    private static let timmGates = [NameRule].separateGates(
        gate: "blocks.*.mlp.fc1_g", value: "blocks.*.mlp.fc1_x", output: "blocks.*.mlp.fc2")

    /// Fang et al., *EVA: Exploring the Limits of Masked Visual Representation Learning at Scale*
    /// (2023), the smaller ones of EVA-02, and others of their blocks, with timm's names.
    static let eva = CheckpointFamily(
        "eva", "EVA or EVA-02 with timm's names (Fang et al. 2023)", names: .packedGates,
        pixels: .clip, architecture: { .visionTransformer(try $0.eva()) }
    ) { evidence in
        evidence.hasBEiTBlocks && !evidence.hasRelativeBiases
            && (evidence.has("pos_embed") || evidence.has("reg_token"))
    }

    /// Fang et al., *EVA-02: A Visual Representation for Neon Genesis* (2023): the larger ones, q, k
    /// and v in layers of their own, with timm's names.
    static let eva02 = CheckpointFamily(
        "eva02", "EVA-02 with timm's names (Fang et al. 2023)",
        names: timmGates
            + .separateQKV(
                own: "blocks.*.attn", query: "blocks.*.attn.q_proj", key: "blocks.*.attn.k_proj",
                value: "blocks.*.attn.v_proj"),
        pixels: .clip, architecture: { .visionTransformer(try $0.eva()) }
    ) { $0.has("blocks.0.attn.q_proj.weight") }
}

extension EncoderShape {
    /// EVA-02, and timm's models with rotary positions alone, all trained on 16 × 16 patches; EVA has
    /// none.
    fileprivate func eva() throws -> VisionTransformer.Config {
        try visionTransformer { config in
            guard config.mlp == .swiGLU || config.positions == .none else { return }
            config.rotary = .eva02
            config.rotaryGrid = 16
        }
    }

    /// DINOv3: rotary positions, ε of 1e-5.
    func dinoV3() throws -> VisionTransformer.Config {
        try visionTransformer { config in
            config.normEps = 1e-5
            config.rotary = .dinoV3
            config.rotaryBase = settings?.ropeTheta
        }
    }
}
