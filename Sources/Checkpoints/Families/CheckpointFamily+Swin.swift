import VisionModels

// Liu et al., *Swin Transformer: Hierarchical Vision Transformer using Shifted Windows* (2021).
extension CheckpointFamily {
    /// Swin under its own names: downsampling ends a stage.
    static let swin = CheckpointFamily(
        "swin", "Swin (Liu et al. 2021)", biasResize: .swin,
        architecture: { _ in throw noModel("swin") }
    ) { $0.hasSwinStages }

    /// Xie et al., *SimMIM* (2022), its Swin.
    static let swinSimMIM = CheckpointFamily(
        "simmim-swin", "SimMIM's Swin (Xie et al. 2022)", biasResize: .simMIM,
        architecture: { _ in throw noModel("simmim-swin") }
    ) { $0.hasSwinStages && ($0.hasSibling("decoder.0.") || $0.hasPart("lr_scheduler")) }

    /// iBOT's Swin, student and teacher.
    static let swinIBOT = CheckpointFamily(
        "ibot-swin", "iBOT's Swin (Zhou et al. 2022)", others: headsOfStudents,
        biasResize: .iBOTSwin, architecture: { _ in throw noModel("ibot-swin") }
    ) { $0.hasSwinStages && $0.isOfIBOT }

    /// timm's Swin, where downsampling begins the next stage.
    static let swinTimm = CheckpointFamily(
        "timm-swin", "Swin with timm's names", biasResize: .swin,
        architecture: { _ in throw noModel("timm-swin") }
    ) {
        $0.hasSwinStages && !$0.has("layers.0.downsample.reduction.weight")
            && $0.has("layers.1.downsample.reduction.weight")
    }

    /// `SwinModel` of Hugging Face.
    static let huggingFaceSwin = CheckpointFamily(
        "hf-swin", "Hugging Face Swin",
        anchors: ["embeddings.patch_embeddings.projection.weight"], others: huggingFaceOthers,
        biasResize: .swin, architecture: { _ in throw noModel("hf-swin") }
    ) { $0.has("encoder.layers.0.blocks.0.layernorm_before.weight") }
}

extension Evidence {
    var hasSwinStages: Bool {
        has("patch_embed.norm.weight") && has("layers.0.blocks.0.attn.qkv.weight")
    }
}
