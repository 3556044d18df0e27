import VisionModels

// Families with BEiT's blocks: biases for q and v alone, relative position biases, LayerScale.
extension CheckpointFamily {
    /// Bao et al., *BEiT: BERT Pre-Training of Image Transformers* (2022), and timm's copies of it.
    static let beit = CheckpointFamily(
        "beit", "BEiT (Bao et al. 2022)", biasResize: .beit, pixels: .half
    ) { $0.hasBEiTBlocks && !$0.hasGatedMLP && $0.hasRelativeBiases }

    /// Peng et al., *BEiT v2* (2022), with its head for the class token.
    static let beitV2 = CheckpointFamily(
        "beitv2", "BEiT v2 (Peng et al. 2022)",
        others: [
            Other("cls_pt_layers.", "the blocks of the class token's head"),
            Other("cls_pt_norm.", "the class token's head"),
            Other("cls_pt_lm_head.", "the class token's head"),
        ], biasResize: .beit
    ) { $0.hasBEiTBlocks && $0.has("cls_pt_layers.0.norm1.weight") }

    /// Xie et al., *SimMIM: a Simple Framework for Masked Image Modeling* (2022), its ViT.
    static let simMIM = CheckpointFamily(
        "simmim", "SimMIM's ViT (Xie et al. 2022)", biasResize: .simMIM
    ) { $0.hasBEiTBlocks && ($0.hasSibling("decoder.0.") || $0.hasPart("lr_scheduler")) }

    /// Chen et al., *Context Autoencoder for Self-Supervised Representation Learning* (2022).
    static let cae = CheckpointFamily(
        "cae", "CAE (Chen et al. 2022)", prefers: ["encoder", "teacher", "model"],
        others: [
            Other("pretext_neck.", "the regressor and decoder of pre-training"),
            Other("encoder_to_decoder", "the way to the decoder"),
            Other("rd_", "the regressor and decoder of pre-training"),
        ], biasResize: .cae
    ) { evidence in
        evidence.hasBEiTBlocks
            && (evidence.hasSibling("pretext_neck.") || evidence.hasPart("pretext_neck"))
    }

    /// Baraldi et al., *Learning to Mask and Permute Visual Tokens for Vision Transformer
    /// Pre-Training* (2023): q apart from k and v, which come from another stream.
    static let mapet = CheckpointFamily(
        "mapet", "MaPeT (Baraldi et al. 2023)",
        names: layerScale + [
            NameRule(
                "blocks.*.attn.qkv.weight",
                joining: ["blocks.*.attn.q.weight", "blocks.*.attn.kv.weight"], shares: [1, 2]),
            NameRule(
                "blocks.*.attn.qkv.bias",
                joining: ["blocks.*.attn.q.bias", "blocks.*.attn.kv.bias"], shares: [1, 2]),
        ],
        others: [Other("mask_positional_token", "what stands for masked positions")],
        positionResize: .maPeT
    ) { $0.has("blocks.0.attn.kv.weight") && $0.has("blocks.0.attn.q.weight") }
}

extension Evidence {
    var hasBEiTBlocks: Bool {
        has("blocks.0.attn.q_bias") && has("blocks.0.attn.qkv.weight")
            && has("blocks.0.mlp.fc1.weight")
    }

    /// Whether the second layer of the MLP takes half of what the first gives.
    var hasGatedMLP: Bool {
        guard let first = set.shapes["blocks.0.mlp.fc1.weight"],
            let second = set.shapes["blocks.0.mlp.fc2.weight"], second.count == 2
        else { return has("blocks.0.mlp.fc1_g.weight") || has("blocks.0.mlp.w12.weight") }
        return first.first == 2 * second[1]
    }

    var hasRelativeBiases: Bool {
        has("rel_pos_bias.relative_position_bias_table")
            || has("blocks.0.attn.relative_position_bias_table")
    }
}
