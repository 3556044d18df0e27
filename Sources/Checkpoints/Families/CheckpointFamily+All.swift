extension CheckpointFamily {
    /// Every family, special ones before those whose names they share; the only list.
    public static let all: [CheckpointFamily] = [
        .clip, .clipResNet,
        .huggingFaceCLIP, .huggingFaceDINOv3, .huggingFaceDINOv2, .huggingFaceSwin,
        .huggingFaceBEiT, .huggingFaceIJEPA, .huggingFaceMAE, .huggingFaceViT,
        .vqKD, .dalle, .featurenorm, .mapet,
        .swinSimMIM, .swinIBOT, .swinTimm, .swin,
        .cae, .simMIM, .beitV2, .beit, .dinoV3Timm, .eva, .eva02, .dinoV3, .dinoV2,
        .vissl, .stop, .iJEPA, .iBOT, .dino, .mae, .timm,
    ]

    /// What tensors are that many families have beside the encoder, by the start of their names.
    static let commonOthers = [
        Other("decoder", "the decoder of pre-training"),
        Other("predictor", "the predictor of pre-training"),
        Other("mask_token", "what replaces masked patches"),
        Other("masked_embed", "what replaces masked patches"),
        Other("lm_head.", "the head that predicts visual tokens"),
        Other("head_dist.", "a classifier"),
        Other("head.", "a head"), Other("heads.", "heads"), Other("fc.", "a classifier"),
        Other("linear.", "a classifier"), Other("classifier.", "a classifier"),
        Other("pooler.", "the pooler of a classifier"),
        Other("attn_pool.", "the pooling of a classifier"),
        Other("pre_logits.", "a classifier"),
        Other("encoder.", "another encoder"), Other("student", "the student"),
        Other("teacher", "the teacher"),
        Other("ibot_loss", "centres of the loss"), Other("dino_loss", "centres of the loss"),
    ]
}
