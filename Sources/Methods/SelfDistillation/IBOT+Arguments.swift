public import Checkpoints
import Data
import Foundation
public import Training
import VisionModels

/// The settings of a run beside the arguments that a checkpoint of iBOT's own code was made with.
extension IBOT.Config {
    public static func differences(
        _ run: RunConfiguration<Self>, from arguments: [String: PlainValue]
    ) -> [String] {
        let differences: [String] = settings(of: run).compactMap { theirs, ours, value in
            guard let found = arguments[theirs].map({ normalized($0, of: theirs) }),
                !areEqual(found, value)
            else { return nil }
            return "\(theirs) was \(text(found)), and \(ours) makes it \(text(value))"
        }
        guard let each = arguments["batch_size_per_gpu"]?.number,
            let devices = arguments["world_size"]?.number,
            each * devices != Double(run.data.batchSize)
        else { return differences }
        return differences + [
            String(format: "batch_size_per_gpu × world_size was %.0f", each * devices)
                + ", and data.batchSize makes it \(run.data.batchSize)"
        ]
    }

    /// Their arguments, the settings that take their place, and what those are in their terms.
    private static func settings(
        of run: RunConfiguration<Self>
    ) -> [(theirs: String, ours: String, value: PlainValue)] {
        let (method, optim, schedule) = (run.method, run.optim, run.schedule)
        func list(_ values: [Double]) -> PlainValue { .list(values.map { .double($0) }) }
        var settings: [(String, String, PlainValue)] = [
            ("out_dim", "method.prototypes", .int(method.prototypes)),
            ("shared_head", "method.sharedHead", .bool(method.sharedHead)),
            ("shared_head_teacher", "method.sharedTeacherHead", .bool(method.sharedTeacherHead)),
            ("norm_last_layer", "method.head.fixesGain", .bool(method.head.fixesGain)),
            ("norm_in_head", "method.head.norm", .string(method.head.norm.published)),
            ("act_in_head", "method.head.activation", .string(method.head.activation.rawValue)),
            ("use_masked_im_modeling", "method.patchWeight", .bool(method.patchWeight > 0)),
            ("lambda1", "method.classWeight", .double(method.classWeight)),
            (
                "warmup_teacher_temp", "method.classTemperature.start",
                .double(method.classTemperature.start)
            ),
            ("teacher_temp", "method.classTemperature.end", .double(method.classTemperature.end)),
            (
                "warmup_teacher_temp_epochs", "method.classTemperature.epochs",
                .int(method.classTemperature.epochs)
            ),
            ("momentum_teacher", "method.momentum", .double(method.momentum)),
            ("freeze_last_layer", "method.freezeLastLayer", .int(method.freezeLastLayer)),
            ("global_crops_number", "method.globalCrops", .int(method.globalCrops)),
            ("local_crops_number", "method.localCrops", .int(method.localCrops)),
            ("global_crops_scale", "method.globalScale", list(method.globalScale)),
            ("local_crops_scale", "method.localScale", list(method.localScale)),
            ("optimizer", "optim.algorithm", .string(optim.algorithm.rawValue)),
            ("weight_decay", "optim.weightDecay", .double(optim.weightDecay)),
            (
                "weight_decay_end", "schedule.endWeightDecay",
                .double(schedule.endWeightDecay ?? optim.weightDecay)
            ),
            // 0 is no limit.
            ("clip_grad", "optim.clip", .double(optim.clip ?? 0)),
            ("epochs", "schedule.epochs", .double(schedule.epochs)),
            ("warmup_epochs", "schedule.warmupEpochs", .double(schedule.warmupEpochs)),
            ("min_lr", "schedule.minLr", .double(schedule.minLr)),
        ]
        // Their Swins have rates of their own, whatever this says.
        if Shape.self == VisionTransformer.Config.self {
            settings.append(("drop_path", "model.dropPath", .double(run.model.dropPath)))
        }
        if method.patchWeight > 0 {
            settings += [
                ("lambda2", "method.patchWeight", .double(method.patchWeight)),
                ("pred_ratio", "method.masks.ratio", list(method.masks.ratio)),
                ("pred_ratio_var", "method.masks.spread", list(method.masks.spread)),
                ("pred_shape", "method.masks.shape", .string(method.masks.shape.published)),
                ("pred_start_epoch", "method.masks.startEpoch", .int(method.masks.startEpoch)),
                (
                    "warmup_teacher_patch_temp", "method.patchTemperature.start",
                    .double(method.patchTemperature.start)
                ),
                (
                    "teacher_patch_temp", "method.patchTemperature.end",
                    .double(method.patchTemperature.end)
                ),
                // It is of both.
                (
                    "warmup_teacher_temp_epochs", "method.patchTemperature.epochs",
                    .int(method.patchTemperature.epochs)
                ),
            ]
        }
        if !method.sharedHead {
            settings.append(
                ("patch_out_dim", "method.patchPrototypes", .int(method.patchPrototypeCount)))
        }
        // Theirs is for 256 pictures, too.
        settings.append(
            optim.lr.map { ("lr", "optim.lr", .double($0 * 256 / Double(run.data.batchSize))) }
                ?? ("lr", "optim.baseLr", .double(optim.baseLr)))
        return settings
    }

    /// A value as it is compared: one name for all that is the same here.
    private static func normalized(_ value: PlainValue, of argument: String) -> PlainValue {
        switch (argument, value) {
        case ("norm_in_head", .none): .string("none")
        case ("norm_in_head", .string("syncbn")): .string("bn")
        case ("clip_grad", .none): .double(0)
        default: value
        }
    }

    /// A number is the same as a list of it.
    private static func areEqual(_ a: PlainValue, _ b: PlainValue) -> Bool {
        switch (a, b) {
        case (.list(let a), .list(let b)):
            a.count == b.count && zip(a, b).allSatisfy(areEqual)
        case (.list(let values), let single), (let single, .list(let values)):
            values.count == 1 && areEqual(values[0], single)
        default:
            if let x = a.number, let y = b.number {
                abs(x - y) <= 1e-6 * max(abs(x), abs(y))
            } else {
                a == b
            }
        }
    }

    private static func text(_ value: PlainValue) -> String {
        switch value {
        case .none: "none"
        case .bool(let value): "\(value)"
        case .string(let value): value
        case .list(let values): "[\(values.map(text).joined(separator: ", "))]"
        case let value: value.number.map { "\($0)" } ?? "\(value)"
        }
    }
}

extension IBOTMask.Shape {
    /// As iBOT's arguments name it.
    fileprivate var published: String { self == .random ? "rand" : "block" }
}

extension HeadForm.Norm {
    /// As iBOT's arguments name it.
    fileprivate var published: String {
        switch self {
        case .none: "none"
        case .batch: "bn"
        case .layer: "ln"
        }
    }
}
