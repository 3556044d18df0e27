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
        ("stop", "drop_path"),
        ("beyondcls", "pos_embed_interpolation"),
        ("beyondcls", "mae_sincos_pos_embed"),
        ("beyondcls", "mae_patchify"),
        ("beyondcls", "mae_vit_finetune_*"),
        // Forms of the vision transformer
        ("beyondcls", "timm_vit_*"),
        ("beyondcls", "simmim_vit_finetune"),
        ("beyondcls", "simmim_vit_pretrain_*"),
        ("beyondcls", "simmim_lr_schedules"),
        ("ibot", "finetune_vit_*"),
        ("mapet", "vit_*"),
        ("mapet", "beit_vit_*"),
        ("mapet", "beit_pretrain"),
        ("mapet", "beit_pretrain_abs"),
        ("mapet", "beit2_cls_*"),
        ("stop", "ijepa_encoder"),
        ("stop", "stop_encoder"),
        ("stop", "ijepa_sincos"),
        ("stop", "ijepa_conv_stem"),
        // Positions and their biases at other sizes
        ("beyondcls", "simmim_rpb_interpolation"),
        ("ibot", "checkpoint_resize"),
        ("mapet", "pos_embed_resize"),
        ("stop", "ijepa_pos_interp"),

        // Swin
        ("ibot", "swin_forward"),
        ("ibot", "swin_ape"),
        ("ibot", "swin_masked"),
        ("ibot", "swin_small_input"),
        ("ibot", "finetune_swin"),
        ("beyondcls", "simmim_swin_pretrain"),
        ("beyondcls", "simmim_swin_finetune"),
        ("beyondcls", "simmim_buffers"),
        ("beyondcls", "simmim_load_swin_same"),
        ("beyondcls", "simmim_load_swin_bigger"),
        // featurenorm's encoder
        ("featurenorm", "encoder_*"),
        ("featurenorm", "predictor_*"),
        ("featurenorm", "checkpoints/*/forward"),
        ("featurenorm", "dyntanh"),
        ("featurenorm", "rope2d"),
        ("featurenorm", "diffmoe_mlp"),
        ("featurenorm", "tome_ops"),
        ("featurenorm", "target_norms"),
        // MaPeT
        ("mapet", "mapet_forward*"),
        // CLIP and visual tokens
        ("mapet", "clip_visual"),
        ("mapet", "clip_resnet"),
        ("mapet", "dalle_encoder"),
        ("mapet", "dalle_decoder"),
        ("mapet", "vqkd_full"),
        ("mapet", "vqkd_quantizer"),
        ("mapet", "vqkd_kmeans_init"),

        // I-JEPA and StoP
        ("stop", "ijepa_predictor"),
        ("stop", "ijepa_loss"),
        ("stop", "ijepa_init_stats"),
        ("stop", "ijepa_train_run"),
        ("stop", "ijepa_resume_run"),
        ("stop", "stop_predictor_*"),
        ("stop", "stop_loss"),
        ("stop", "stop_train_run*"),
        // DINO and iBOT
        ("ibot", "head_ibot_*"),
        ("ibot", "head_dino_*"),
        ("ibot", "multicrop"),
        ("ibot", "ibot_loss"),
        ("ibot", "dino_vit"),
        ("ibot", "schedules"),
        ("ibot", "optimisers"),
        ("ibot", "train_steps*"),

        // MAE
        ("beyondcls", "mae_forward_*"),
        ("beyondcls", "mae_random_masking"),
        ("beyondcls", "mae_visualize"),
        // Pictures
        ("beyondcls", "aug_resized_crop"),
        ("beyondcls", "aug_val_transform"),
        ("beyondcls", "aug_linprobe_crop_params"),
        ("ibot", "image_ops"),
        ("ibot", "patch_ops"),
        ("stop", "stop_transforms"),
        ("mapet", "image_transforms"),
        ("ibot", "augmentation_chain"),
        ("ibot", "augmentation_statistics"),
        ("ibot", "finetune_augment"),
        ("ibot", "finetune_losses"),
        ("mapet", "randaugment_ops"),
        ("mapet", "random_resized_crop"),
        ("mapet", "mixup_cutmix"),
        ("beyondcls", "aug_randaugment_ops"),
        ("beyondcls", "aug_level_to_arg"),
        ("beyondcls", "aug_crop_stats"),
        ("beyondcls", "aug_mixup_cutmix"),
        ("beyondcls", "aug_mixup_stats"),
        ("beyondcls", "aug_randaugment_stats"),
        ("beyondcls", "aug_random_erasing_stats"),
        ("featurenorm", "center_crop_resize"),
        ("featurenorm", "random_resize"),
        ("featurenorm", "random_resize_sizes"),
        ("featurenorm", "random_resize_stats"),
        // Samplers
        ("ibot", "repeated_aug_sampler"),
        ("stop", "stop_class_sampler"),
        // Masks
        ("beyondcls", "simmim_mask_generator"),
        ("ibot", "mask_block_replay"),
        ("ibot", "mask_statistics"),
        ("mapet", "block_masking"),
        ("mapet", "mapet_masks"),
        ("mapet", "mapet_masks_upper"),
        ("stop", "ijepa_mask_multiblock"),
        ("stop", "ijepa_mask_random"),
        ("stop", "ijepa_mask_stats"),
        ("stop", "stop_mask_multiblock"),
        ("stop", "stop_mask_stats"),
        // Windows and packing
        ("featurenorm", "batch_metrics"),
        ("featurenorm", "context_split_stats"),
        ("featurenorm", "context_target_split"),
        ("featurenorm", "context_window_ranges"),
        ("featurenorm", "dataset_config_derived"),
        ("featurenorm", "pair_packer"),
        ("featurenorm", "pair_packer_stats"),
        ("featurenorm", "patchify_validation"),
        ("featurenorm", "repeated_data_shapes"),
        ("featurenorm", "window_sampling"),
        // Sources
        ("featurenorm", "validation_dataloader"),
        ("featurenorm", "depth_dataloader"),
        // Checkpoints
        ("beyondcls", "beyond_load_mae_*"),
        ("beyondcls", "beyond_load_simmim"),
        ("beyondcls", "simmim_load_vit_*"),
        ("mapet", "clip_to_vit_keys"),
        ("mapet", "transfer_*"),
        // Optimisers
        ("beyondcls", "lars"),
        ("beyondcls", "mae_pretrain_adamw"),
        ("beyondcls", "mae_finetune_adamw_layerdecay"),
        ("beyondcls", "mae_lr_schedule"),
        ("stop", "ijepa_schedules"),
        ("stop", "stop_schedules"),
        ("stop", "stop_adamw"),
        ("beyondcls", "grad_norm_clip"),
        // Fine-tuning
        ("beyondcls", "simmim_param_groups"),
        ("ibot", "finetune_param_groups"),
        ("ibot", "semisup_head_*"),
        // Evaluation
        ("beyondcls", "abmilp_*"),
        ("beyondcls", "pool_*"),
        // Attention
        ("beyondcls", "beyond_vit_features"),
        ("beyondcls", "beyond_vit_no_cls_token"),
        ("beyondcls", "beyond_attention_stats_vit"),
        ("beyondcls", "beyond_simmim_features_stats"),
        ("beyondcls", "linprobe_head_train"),
        ("beyondcls", "linprobe_train_epoch_*"),
        ("beyondcls", "metric_logger"),
        ("ibot", "knn"),
        ("ibot", "logistic_regression"),
        ("ibot", "linear_eval_vit_*"),
        ("ibot", "linear_probe"),
        ("ibot", "clustering_metrics"),
        ("stop", "stop_logistic_optimum"),
        ("stop", "stop_logistic_pipeline"),
        ("stop", "stop_vissl_probe"),
        ("mapet", "batch_decay"),
        ("mapet", "metrics"),
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
