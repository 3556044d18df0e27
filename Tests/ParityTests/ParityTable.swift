import TestSupport

/// Every recorded case that Tessera claims to reproduce; a test can ask for no other.
///
/// In a pattern `*` stands for any text. `make parity` prints what the folder in use holds beyond
/// these claims.
enum ParityTable {
    static let claims: [(family: String, pattern: String)] = [
        // Vision transformer
        ("ibot", "vit_forward"),
        ("ibot", "vit_resolutions"),
        ("ibot", "vit_masked"),
        ("ibot", "vit_layerscale_meanpool"),
        ("beyondcls", "drop_path"),
        ("beyondcls", "pos_embed_interpolation"),
        ("beyondcls", "mae_sincos_pos_embed"),
        ("beyondcls", "mae_patchify"),
        ("beyondcls", "mae_vit_finetune_*"),

        // MAE
        ("beyondcls", "mae_forward_*"),
        ("beyondcls", "mae_random_masking"),
        ("beyondcls", "mae_visualize"),
        // Pictures
        ("beyondcls", "aug_resized_crop"),
        ("beyondcls", "aug_val_transform"),
        ("beyondcls", "aug_linprobe_crop_params"),
        // Samplers
        ("ibot", "repeated_aug_sampler"),
        ("stop", "stop_class_sampler"),
        // Sources
        ("featurenorm", "validation_dataloader"),
        ("featurenorm", "depth_dataloader"),
        // Optimisers
        ("beyondcls", "lars"),
        ("beyondcls", "mae_pretrain_adamw"),
        ("beyondcls", "mae_finetune_adamw_layerdecay"),
        ("beyondcls", "mae_lr_schedule"),
        ("beyondcls", "grad_norm_clip"),
        // Evaluation
        ("beyondcls", "abmilp_*"),
        ("beyondcls", "linprobe_head_train"),
        ("beyondcls", "linprobe_train_epoch_*"),
        ("beyondcls", "metric_logger"),
        ("ibot", "knn"),
        ("ibot", "logistic_regression"),
        ("stop", "stop_logistic_optimum"),
    ]

    /// The cases of a claim in the folder in use.
    static func cases(_ family: String, _ pattern: String) -> [ParityCase] {
        guard claims.contains(where: { $0 == (family, pattern) }) else {
            fatalError("\(family)/\(pattern) is not in ParityTable.claims")
        }
        let found = ParityCase.all(in: family, matching: pattern)
        if found.isEmpty {
            print("\(family)/\(pattern): no such case in \(ParityFolder.inUse.path), not compared")
        }
        return found
    }
}
