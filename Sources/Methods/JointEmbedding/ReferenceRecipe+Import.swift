public import Configuration
import VisionModels

/// A configuration of another program as settings of a run here.
public struct ImportedRecipe {
    /// The method that it is of.
    public let method: String
    /// `key=value`, to stand over the defaults, each with the key or the section of the file that it
    /// stands for.
    public fileprivate(set) var changes: [(key: String, setting: String)] = []
    /// Those of `changes` without their keys.
    public var settings: [String] { changes.map(\.setting) }
    /// Each key of the file and what became of it, section by section.
    public fileprivate(set) var notes: [(key: String, meaning: String)] = []
}

extension ReferenceRecipe {
    /// The same run in Tessera's settings.
    ///
    /// - Returns: the settings, and what became of every key that the file states.
    /// - Throws: `ConfigurationError` for a model that has no counterpart.
    public func imported() throws -> ImportedRecipe {
        let method = isStoP ? StoP.name : IJEPA.name
        var recipe = ImportedRecipe(method: method)
        recipe.changes.append((stopParams == nil ? "meta" : "stop_params", "run.method=\(method)"))
        addPictures(to: &recipe)
        addMasks(to: &recipe)
        try addModel(to: &recipe)
        addOptimization(to: &recipe)
        if let stopParams {
            if let applies = stopParams.applyStop {
                recipe.set(
                    "stop_params.apply_stop",
                    "method.positions", applies ? "stochastic" : "deterministic")
            }
            recipe.set("stop_params.var", "method.noiseStd", stopParams.var)
        }
        return recipe
    }

    /// What becomes of keys that say nothing: those that a file states as null, and those that it lacks
    /// though the authors' code demands them.
    ///
    /// - Parameters:
    ///   - file: as it was read.
    ///   - noted: the keys whose meaning is known.
    /// - Returns: the keys, and what to say of each.
    public static func silent(
        _ file: ResolvedConfiguration<Self>, noted: [String]
    ) -> [(key: String, meaning: String)] {
        let known = Set(noted)
        let nulls = file.settings.map(\.key).filter { file.states($0) && !known.contains($0) }
        let absent = file.value.demanded.filter { !file.states($0) }
        return nulls.map { ($0, "null, as if it were not there") }
            + absent.map { ($0, "not in the file, which their code demands: our default") }
    }

    /// The keys without which the authors' code does not start.
    private var demanded: [String] {
        let own: [String: [String]] =
            isStoP
            ? [
                "meta": ["emb_dim", "target_blocks", "use_float16"],
                "optimization": ["clip_grad"], "stop_params": ["apply_stop", "var"],
            ]
            : [
                "mask": ["allow_overlap"], "meta": ["pred_emb_dim", "use_bfloat16"],
                "optimization": ["ema"],
            ]
        let common = [
            "data": [
                "batch_size", "crop_size", "crop_scale", "color_jitter_strength",
                "use_color_distortion", "use_gaussian_blur", "use_horizontal_flip",
            ],
            "mask": [
                "patch_size", "num_enc_masks", "num_pred_masks", "enc_mask_scale",
                "pred_mask_scale", "aspect_ratio", "min_keep",
            ],
            "meta": ["model_name", "pred_depth"],
            "optimization": [
                "epochs", "warmup", "start_lr", "lr", "final_lr", "weight_decay",
                "final_weight_decay", "ipe_scale",
            ],
        ]
        return ["data", "mask", "meta", "optimization", "stop_params"].flatMap { section in
            ((common[section] ?? []) + (own[section] ?? [])).map { "\(section).\($0)" }
        }
    }

    private var isStoP: Bool {
        stopParams != nil || meta.width != nil || meta.modelName?.hasPrefix("deit_") == true
    }

    private func addPictures(to recipe: inout ImportedRecipe) {
        if let size = data.batchSize {
            recipe.set(
                "data.batch_size", "data.batchSize", size,
                note: "for one device; published runs have 2048 pictures a step over all"
                    + (size > 0 && 2048 % size == 0
                        ? ": data.batchSize=2048 run.accumulation=\(2048 / size)" : ""))
        }
        recipe.set("data.crop_size", "model.imageSize", data.cropSize)
        recipe.changes.append(("data", "data.augment=\(augmentation)"))
        for (key, isGiven) in [
            ("data.crop_scale", data.cropScale != nil),
            ("data.use_horizontal_flip", data.useHorizontalFlip != nil),
            ("data.use_color_distortion", data.useColorDistortion != nil),
            ("data.color_jitter_strength", data.colorJitterStrength != nil),
            ("data.use_gaussian_blur", data.useGaussianBlur != nil),
        ] where isGiven { recipe.notes.append((key, "data.augment")) }
        recipe.leaveOut("data.num_workers", data.numWorkers, "threads are data.workers")
        recipe.leaveOut("data.pin_mem", data.pinMem, "memory is pinned where there is a GPU")
        recipe.leaveOut("data.root_path", data.rootPath, "--data says where the pictures are")
        recipe.leaveOut("data.image_folder", data.imageFolder, "--data says where they are")
        recipe.leaveOut("logging.folder", logging.folder, "--out says where the run goes")
        recipe.leaveOut("logging.write_tag", logging.writeTag, "files have names of their own")
    }

    /// The steps of the views, as a YAML list.
    private var augmentation: String {
        let scale = data.cropScale ?? [0.3, 1]
        var steps = [
            "randomResizedCrop: {size: \(data.cropSize ?? 224), scale: \(scale), "
                + "interpolation: bilinear}"
        ]
        if data.useHorizontalFlip == true { steps.append("horizontalFlip: {}") }
        if data.useColorDistortion == true {
            let s = data.colorJitterStrength ?? 0
            if s > 0 {
                steps.append(
                    "colorJitter: {brightness: \(0.8 * s), contrast: \(0.8 * s), "
                        + "saturation: \(0.8 * s), hue: \(0.2 * s), probability: 0.8}")
            }
            steps.append("grayscale: {probability: 0.2}")
        }
        if data.useGaussianBlur == true { steps.append("gaussianBlur: {probability: 0.5}") }
        return "[" + steps.map { "{\($0)}" }.joined(separator: ", ") + "]"
    }

    private func addMasks(to recipe: inout ImportedRecipe) {
        recipe.set("mask.patch_size", "model.patchSize", mask.patchSize)
        recipe.set("mask.num_enc_masks", "method.masks.contexts", mask.contexts)
        recipe.set("mask.num_pred_masks", "method.masks.targets", mask.targets)
        recipe.set("mask.enc_mask_scale", "method.masks.contextScale", mask.contextScale)
        recipe.set("mask.pred_mask_scale", "method.masks.targetScale", mask.targetScale)
        recipe.set("mask.aspect_ratio", "method.masks.aspectRatio", mask.aspectRatio)
        recipe.set("mask.min_keep", "method.masks.minKeep", mask.minKeep)
        recipe.set("mask.allow_overlap", "method.masks.allowOverlap", mask.allowOverlap)
    }

    private func addModel(to recipe: inout ImportedRecipe) throws {
        if let encoder = try meta.encoder() {
            for (key, value) in [
                ("width", "\(encoder.width)"), ("depth", "\(encoder.depth)"),
                ("heads", "\(encoder.heads)"), ("mlpRatio", "\(encoder.mlpRatio)"),
            ] { recipe.changes.append(("meta.model_name", "model.\(key)=\(value)")) }
            recipe.notes.append(("meta.model_name", "model.width, depth, heads and mlpRatio"))
        }
        recipe.set("meta.pred_depth", "method.predictorDepth", meta.predictorDepth)
        recipe.set("meta.pred_emb_dim", "method.predictorWidth", meta.predictorWidth)
        recipe.set("meta.emb_dim", "method.predictorWidth", meta.width)
        recipe.set("meta.target_blocks", "method.targetBlocks", meta.targetBlocks)
        for (key, low) in [
            ("meta.use_bfloat16", meta.useBFloat16), ("meta.use_float16", meta.useFloat16),
        ] {
            // StoP's code takes bfloat16 for float16 wherever the device has it.
            if let low { recipe.set(key, "run.precision", low ? "bfloat16" : "float32") }
        }
        recipe.leaveOut("meta.load_checkpoint", meta.loadCheckpoint, "`tessera resume` goes on")
        recipe.leaveOut("meta.read_checkpoint", meta.readCheckpoint, "`tessera resume` goes on")
        recipe.leaveOut("meta.copy_data", meta.copyData, "pictures are read where they are")
    }

    private func addOptimization(to recipe: inout ImportedRecipe) {
        let o = optimization
        recipe.set("optimization.epochs", "schedule.epochs", o.epochs)
        recipe.set("optimization.warmup", "schedule.warmupEpochs", o.warmup)
        recipe.set("optimization.start_lr", "schedule.startLr", o.startLr)
        recipe.set("optimization.lr", "optim.lr", o.lr, note: "not scaled by the batch")
        recipe.set("optimization.final_lr", "schedule.minLr", o.finalLr)
        recipe.set("optimization.weight_decay", "optim.weightDecay", o.weightDecay)
        recipe.set(
            "optimization.final_weight_decay", "schedule.endWeightDecay", o.finalWeightDecay)
        recipe.set("optimization.ema", "method.momentum", o.ema)
        recipe.set("optimization.ipe_scale", "schedule.stretch", o.scheduleScale)
        if let clip = o.clipGrad {
            recipe.set("optimization.clip_grad", "optim.clip", clip > 0 ? "\(clip)" : "null")
        }
        recipe.leaveOut("optimization.all_gather", o.allGather, "it concerns the log alone")
        for (name, key, epoch, shape) in [
            ("lr", "lrTail", o.lrTail, o.lrTailShape),
            ("wd", "weightDecayTail", o.weightDecayTail, o.weightDecayTailShape),
        ] {
            let (start, strategy) = ("fix_\(name)_thres", "fix_\(name)_strategy")
            let end = (o.epochs ?? .infinity) * (o.scheduleScale ?? 1)
            // Below zero the authors' code has no tail, from the end on it changes nothing.
            guard let epoch, epoch >= 0, epoch < end else {
                let reason =
                    (epoch ?? -1) < 0 ? "there is no tail" : "the schedule ends before its tail"
                recipe.leaveOut("optimization.\(start)", epoch, reason)
                recipe.leaveOut("optimization.\(strategy)", shape, reason)
                continue
            }
            recipe.set("optimization.\(start)", "schedule.\(key).epoch", epoch)
            if let shape {
                recipe.set(
                    "optimization.\(strategy)", "schedule.\(key).shape",
                    shape == .const ? "constant" : "linear")
            }
        }
    }
}

extension ReferenceRecipe.Pictures {
    /// What goes into `data.augment` is checked here, by the keys that the file has for it.
    public func validate() throws {
        if let homo {
            throw ConfigurationError.invalid(
                "homo", found: homo, expected: "no such key",
                advice:
                    "its batches of a few classes have no masks, the authors' code cannot train "
                    + "with it either")
        }
        if let cropSize {
            try check(cropSize > 0, "crop_size", cropSize, expected: "a positive number")
        }
        if let cropScale {
            let isRange =
                cropScale.count == 2 && cropScale[0] > 0 && cropScale[0] <= cropScale[1]
                && cropScale[1] <= 1
            try check(
                isRange, "crop_scale", cropScale,
                expected: "two numbers 0 < least <= greatest <= 1")
        }
        if let colorJitterStrength {
            // The hue turns by up to a fifth of it, and by half of the circle at most.
            try check(
                (0...2.5).contains(colorJitterStrength), "color_jitter_strength",
                colorJitterStrength, expected: "a number from 0 to 2.5")
        }
    }
}

extension ReferenceRecipe.Meta {
    public func validate() throws { _ = try encoder() }

    /// The encoder that `model_name` means; nil where there is none.
    fileprivate func encoder() throws -> VisionTransformer.Config? {
        guard let modelName else { return nil }
        let size = modelName.replacing("deit_", with: "").replacing("vit_", with: "")
        guard let config = VisionTransformer.Config(size: size) else {
            throw ConfigurationError.invalid(
                "model_name", found: modelName,
                expected: "vit_ or deit_ and tiny, small, base, large, huge or giant")
        }
        return config
    }
}

extension ImportedRecipe {
    fileprivate mutating func set<Value>(
        _ theirs: String, _ ours: String, _ value: Value?, note: String? = nil
    ) {
        guard let value else { return }
        changes.append((theirs, "\(ours)=\(value)"))
        notes.append((theirs, "\(ours)=\(value)" + (note.map { ", \($0)" } ?? "")))
    }

    fileprivate mutating func leaveOut<Value>(_ key: String, _ value: Value?, _ reason: String) {
        guard value != nil else { return }
        notes.append((key, "left out: \(reason)"))
    }
}
