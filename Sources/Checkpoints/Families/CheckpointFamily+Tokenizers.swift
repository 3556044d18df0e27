// Models that turn pictures into visual tokens.
extension CheckpointFamily {
    /// The tokenizer of BEiT v2: Peng et al., *BEiT v2: Masked Image Modeling with Vector-Quantized
    /// Visual Tokenizers* (2022).
    static let vqKD = CheckpointFamily(
        "vqkd", "VQ-KD, the tokenizer of BEiT v2 (Peng et al. 2022)",
        others: [
            Other("quantize.", "the codebook"), Other("encode_task_layer.", "the way to the codes"),
            Other("decode_task_layer.", "the way from the codes"),
            Other("loss", "the loss"), Other("teacher", "the teacher"),
            Other("scaling", "the teacher's pixels"),
        ], pixels: .none
    ) { $0.hasSibling("quantize.embedding") || $0.hasSibling("quantize.cluster_size") }

    /// The discrete VAE of DALL-E: Ramesh et al., *Zero-Shot Text-to-Image Generation* (2021).
    static let dalle = CheckpointFamily(
        "dalle", "DALL-E's encoder (Ramesh et al. 2021)", anchors: ["blocks.input.w"],
        pixels: .none,
        architecture: { _ in
            throw noModel(
                "dalle",
                "it gives visual tokens, not features: `TokenizerLoader` of the library Tokenizers "
                    + "loads it")
        }
    ) { $0.has("blocks.output.conv.w") }
}
