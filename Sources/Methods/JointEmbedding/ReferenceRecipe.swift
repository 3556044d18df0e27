public import Configuration

/// A configuration file of I-JEPA's or StoP's own code, key for key.
///
/// What a file does not state is nil. Unknown keys are errors, as in recipes of Tessera.
public struct ReferenceRecipe: Configuration {
    public var data = Pictures()
    public var logging = Logging()
    public var mask = Mask()
    public var meta = Meta()
    public var optimization = Optimization()
    public var stopParams: Noise? = nil

    public init() {}

    enum CodingKeys: String, CodingKey {
        case data, logging, mask, meta, optimization
        case stopParams = "stop_params"
    }
}

extension ReferenceRecipe {
    public struct Pictures: Configuration {
        public var batchSize: Int? = nil
        public var cropSize: Int? = nil
        public var cropScale: [Double]? = nil
        public var colorJitterStrength: Double? = nil
        public var useColorDistortion: Bool? = nil
        public var useGaussianBlur: Bool? = nil
        public var useHorizontalFlip: Bool? = nil
        public var numWorkers: Int? = nil
        public var pinMem: Bool? = nil
        public var rootPath: String? = nil
        public var imageFolder: String? = nil
        public var homo: Int? = nil

        public init() {}

        enum CodingKeys: String, CodingKey {
            case homo
            case batchSize = "batch_size"
            case cropSize = "crop_size"
            case cropScale = "crop_scale"
            case colorJitterStrength = "color_jitter_strength"
            case useColorDistortion = "use_color_distortion"
            case useGaussianBlur = "use_gaussian_blur"
            case useHorizontalFlip = "use_horizontal_flip"
            case numWorkers = "num_workers"
            case pinMem = "pin_mem"
            case rootPath = "root_path"
            case imageFolder = "image_folder"
        }
    }

    public struct Logging: Configuration {
        public var folder: String? = nil
        public var writeTag: String? = nil

        public init() {}

        enum CodingKeys: String, CodingKey {
            case folder
            case writeTag = "write_tag"
        }
    }

    public struct Mask: Configuration {
        public var patchSize: Int? = nil
        public var contexts: Int? = nil
        public var targets: Int? = nil
        public var contextScale: [Double]? = nil
        public var targetScale: [Double]? = nil
        public var aspectRatio: [Double]? = nil
        public var minKeep: Int? = nil
        public var allowOverlap: Bool? = nil

        public init() {}

        enum CodingKeys: String, CodingKey {
            case patchSize = "patch_size"
            case contexts = "num_enc_masks"
            case targets = "num_pred_masks"
            case contextScale = "enc_mask_scale"
            case targetScale = "pred_mask_scale"
            case aspectRatio = "aspect_ratio"
            case minKeep = "min_keep"
            case allowOverlap = "allow_overlap"
        }
    }

    public struct Meta: Configuration {
        public var modelName: String? = nil
        public var predictorDepth: Int? = nil
        /// I-JEPA's key.
        public var predictorWidth: Int? = nil
        /// StoP's key for the same.
        public var width: Int? = nil
        public var useBFloat16: Bool? = nil
        public var useFloat16: Bool? = nil
        public var loadCheckpoint: Bool? = nil
        public var readCheckpoint: String? = nil
        public var copyData: Bool? = nil
        public var targetBlocks: Int? = nil

        public init() {}

        enum CodingKeys: String, CodingKey {
            case modelName = "model_name"
            case predictorDepth = "pred_depth"
            case predictorWidth = "pred_emb_dim"
            case width = "emb_dim"
            case useBFloat16 = "use_bfloat16"
            case useFloat16 = "use_float16"
            case loadCheckpoint = "load_checkpoint"
            case readCheckpoint = "read_checkpoint"
            case copyData = "copy_data"
            case targetBlocks = "target_blocks"
        }
    }

    public struct Optimization: Configuration {
        public var epochs: Double? = nil
        public var warmup: Double? = nil
        public var startLr: Double? = nil
        public var lr: Double? = nil
        public var finalLr: Double? = nil
        public var weightDecay: Double? = nil
        public var finalWeightDecay: Double? = nil
        public var ema: [Double]? = nil
        public var scheduleScale: Double? = nil
        public var clipGrad: Double? = nil
        public var allGather: Bool? = nil
        public var lrTail: Double? = nil
        public var lrTailShape: TailShape? = nil
        public var weightDecayTail: Double? = nil
        public var weightDecayTailShape: TailShape? = nil

        public init() {}

        enum CodingKeys: String, CodingKey {
            case epochs, warmup, lr, ema
            case startLr = "start_lr"
            case finalLr = "final_lr"
            case weightDecay = "weight_decay"
            case finalWeightDecay = "final_weight_decay"
            case scheduleScale = "ipe_scale"
            case clipGrad = "clip_grad"
            case allGather = "all_gather"
            case lrTail = "fix_lr_thres"
            case lrTailShape = "fix_lr_strategy"
            case weightDecayTail = "fix_wd_thres"
            case weightDecayTailShape = "fix_wd_strategy"
        }
    }

    public enum TailShape: String, Codable, Sendable, CaseIterable {
        case const
        case linear
    }

    public struct Noise: Configuration {
        public var applyStop: Bool? = nil
        public var `var`: Double? = nil

        public init() {}

        enum CodingKeys: String, CodingKey {
            case `var`
            case applyStop = "apply_stop"
        }
    }
}
