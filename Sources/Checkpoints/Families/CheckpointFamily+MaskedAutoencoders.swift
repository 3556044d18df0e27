import TensorFiles
import VisionModels

// Families whose encoder has the names of Tessera's own vision transformer.
extension CheckpointFamily {
    /// He et al., *Masked Autoencoders Are Scalable Vision Learners* (2022): pre-training with and
    /// without the decoder, fine-tuning, probing.
    ///
    /// Told by the decoder, by the batch norm in front of a probe's classifier, by `fc_norm` in place of
    /// `norm`, or by positions that are sines and cosines beside a class token.
    static let mae = CheckpointFamily(
        "mae", "MAE (He et al. 2022)", positionResize: .mae
    ) { evidence in
        evidence.hasPlainBlocks && evidence.has("cls_token")
            && (evidence.has("decoder_embed.weight") || evidence.has("head.0.running_mean")
                || evidence.has("fc_norm.weight") || evidence.hasSinCosPositions)
    }

    /// Assran et al., *Self-Supervised Learning from Images with a Joint-Embedding Predictive
    /// Architecture* (2023): `encoder`, `predictor`, `target_encoder`.
    static let iJEPA = CheckpointFamily(
        "ijepa", "I-JEPA (Assran et al. 2023)", positionResize: .iJEPA
    ) { evidence in
        evidence.hasPlainBlocks && evidence.has("pos_embed") && !evidence.has("cls_token")
            && (evidence.hasPart("target_encoder") || evidence.hasSinCosPositions)
    }

    /// Bar et al., *Stochastic positional embeddings improve masked image modeling* (2024): the files
    /// of I-JEPA, with the optimiser before the target encoder.
    static let stop = CheckpointFamily(
        "stop", "StoP (Bar et al. 2024)", positionResize: .iJEPA
    ) { evidence in
        guard evidence.hasPlainBlocks, !evidence.has("cls_token"),
            let target = evidence.topKeys.firstIndex(of: "target_encoder"),
            let optimizer = evidence.topKeys.firstIndex(of: "opt")
        else { return false }
        return optimizer < target
    }

    /// Trunks of VISSL, at `classy_state_dict.base_model.model.trunk`, with ViT names.
    static let vissl = CheckpointFamily(
        "vissl", "a trunk of VISSL", positionResize: .iJEPA
    ) { evidence in
        evidence.hasPlainBlocks
            && (evidence.set.path.contains("trunk")
                || evidence.set.path.contains("_feature_blocks"))
    }

    /// Zhou et al., *iBOT: Image BERT Pre-Training with Online Tokenizer* (2022): student and teacher,
    /// each a `backbone` and a `head`.
    static let iBOT = CheckpointFamily(
        "ibot", "iBOT (Zhou et al. 2022)", others: headsOfStudents, positionResize: .iBOT
    ) { evidence in
        evidence.hasPlainBlocks && evidence.has("cls_token") && evidence.isOfIBOT
    }

    /// Caron et al., *Emerging Properties in Self-Supervised Vision Transformers* (2021).
    static let dino = CheckpointFamily(
        "dino", "DINO (Caron et al. 2021)", others: headsOfStudents, positionResize: .dino
    ) { evidence in
        evidence.hasPlainBlocks && evidence.has("cls_token")
            && (evidence.hasPart("dino_loss") || evidence.hasPart("student")
                || evidence.hasPart("teacher") || evidence.has("head.last_layer.weight_v")
                || evidence.hasSibling("head.last_layer"))
    }

    static let headsOfStudents = [
        Other("head.", "the projection head"), Other("module.head.", "the projection head"),
    ]

    /// timm's vision transformers, and all others of their names without another sign: DeiT, DeiT III,
    /// AugReg, CLIP and DINOv2 as timm renames them.
    static let timm = CheckpointFamily(
        "timm", "a vision transformer with timm's names", names: layerScale + .packedGates,
        architecture: { shape in
            .visionTransformer(
                try shape.visionTransformer { config in
                    // CLIP's towers, which alone have a norm before the blocks.
                    if config.preNorm { config.normEps = 1e-5 }
                })
        }
    ) { _ in true }

    /// LayerScale as timm's and DINOv2's modules call it.
    static let layerScale = [
        NameRule("blocks.*.gamma_1", "blocks.*.ls1.gamma"),
        NameRule("blocks.*.gamma_2", "blocks.*.ls2.gamma"),
    ]
}

extension Evidence {
    /// Blocks as the first vision transformers have them: one `qkv` with one bias, one MLP.
    var hasPlainBlocks: Bool {
        has("blocks.0.attn.qkv.weight") && has("blocks.0.attn.qkv.bias")
            && has("blocks.0.mlp.fc1.weight") && !has("blocks.0.ls1.gamma") && !has("reg_token")
            && !has("dist_token") && !has("norm_pre.weight")
            && !has("blocks.0.attn.q_norm.weight")
    }

    /// iBOT's loss, second head or token of masked patches.
    var isOfIBOT: Bool {
        hasPart("ibot_loss") || has("masked_embed") || has("head.last_layer2.weight_v")
            || hasSibling("head.last_layer2") || hasSibling("module.head.last_layer2")
    }

    /// Whether the positions are those of MAE: at the first patch the sines are 0, the cosines 1.
    var hasSinCosPositions: Bool {
        guard let record = set.tensors.first(where: { $0.name == "pos_embed" })?.tensor,
            record.shape.count == 3, record.shape[0] == 1, record.shape[2] % 4 == 0,
            record.elementType.isFloatingPoint
        else { return false }
        let (width, first) = (record.shape[2], has("cls_token") ? 1 : 0)
        guard record.shape[1] > first else { return false }
        let row = record.doubles().dropFirst(first * width).prefix(width)
        return row.enumerated().allSatisfy { place, value in
            abs(value - (place * 4 / width % 2 == 0 ? 0 : 1)) < 1e-6
        }
    }
}
