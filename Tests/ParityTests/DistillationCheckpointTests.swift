import Checkpoints
import Data
import NN
import Optimizers
import TensorFiles
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Methods
@testable import Training

/// Full checkpoints that iBOT's own code wrote, as runs of ours.
@Suite(
    "Runs of iBOT's own code go on here",
    .enabled(
        if: ParityFolder.inUse.file("ibot/checkpoints") != nil,
        "no recorded checkpoints: set TESSERA_PARITY to the folder that holds them"))
struct DistillationCheckpointTests {
    @Test(
        "weights, centres and the optimiser's state equal the JSON beside the file",
        arguments: ["pretrain_vit_shared", "pretrain_vit_separate_fp32", "pretrain_swin"])
    func restored(name: String) throws {
        guard let (source, json) = try checkpoint(name) else { return }
        let args = try json.object("args").object("__Namespace__")
        let dropPath = args.contains("drop_path") ? try args.double("drop_path") : 0
        if try args.string("arch").hasPrefix("swin") {
            var model = try SwinTransformer.Config(inferredFrom: encoderShapes(source))
            (model.normEps, model.dropPath) = (1e-6, dropPath)
            try compare(model, source, json, args)
        } else {
            var model = try vit(source)
            model.dropPath = dropPath
            try compare(model, source, json, args)
        }
    }

    /// A checkpoint with the JSON beside it; nil, and a line that says so, where one is missing.
    private func checkpoint(
        _ name: String
    ) throws -> (source: CheckpointSource, json: ParityConfig)? {
        let (folder, stem) = (ParityFolder.inUse, "ibot/checkpoints/\(name)")
        guard let path = folder.file(stem + ".pth"), let json = try folder.json(stem + ".json")
        else {
            print("\(stem): .pth or .json is not in \(folder.path), not compared")
            return nil
        }
        return (try CheckpointSource(path: path), json)
    }

    /// The shapes of the student's encoder.
    private func encoderShapes(_ source: CheckpointSource) throws -> [String: [Int]] {
        let prefix = "module.backbone."
        let student = try #require(source.parts.first { $0.name == "student" })
        return Dictionary(
            student.tensors.filter { $0.name.hasPrefix(prefix) }
                .map { (String($0.name.dropFirst(prefix.count)), $0.tensor.shape) }
        ) { $1 }
    }

    private func vit(_ source: CheckpointSource) throws -> VisionTransformer.Config {
        // Heads are in no shape, and change no weight.
        try VisionTransformer.Config(inferredFrom: encoderShapes(source), heads: 1) {
            ($0.positions, $0.positionResize) = (.learned, .iBOT)
        }
    }

    private func settings<Shape: DistilledModel>(
        _ model: Shape, _ source: CheckpointSource, _ args: ParityConfig
    ) throws -> RunConfiguration<IBOT<Shape>.Config> {
        var run = RunConfiguration<IBOT<Shape>.Config>()
        run.model = model
        run.run.precision = .float32
        run.method.prototypes = try args.int("out_dim")
        run.method.sharedHead = try args.bool("shared_head")
        run.method.sharedTeacherHead = try args.bool("shared_head_teacher")
        run.method.head.fixesGain = try args.bool("norm_last_layer")
        let tensors = try #require(source.parts.first { $0.name == "student" }).tensors
        func shape(_ name: String) throws -> [Int] {
            try #require(tensors.first { $0.name == "module.head." + name }).tensor.shape
        }
        run.method.head.width = try shape("mlp.0.weight")[0]
        run.method.head.bottleneck = try shape("mlp.4.weight")[0]
        (run.method.localCrops, run.method.localSize) = (1, model.imageSize / 2)
        run.optim.algorithm = try #require(.init(rawValue: args.string("optimizer")))
        return run
    }

    /// Settings as the arguments have them do not differ; each that is changed is named.
    private func compareArguments<Shape: DistilledModel>(
        _ settings: RunConfiguration<IBOT<Shape>.Config>, _ args: ParityConfig,
        _ arguments: [String: PlainValue]
    ) throws {
        var run = settings
        // One number stands for a list of it.
        func numbers(_ name: String) throws -> [Double] {
            let value = try args.field(name)
            return try (try? [value.double]) ?? value.array.map { try $0.double }
        }
        let clip = args.contains("clip_grad") ? try args.double("clip_grad") : 0
        run.method.globalCrops = try args.int("global_crops_number")
        run.method.localCrops = try args.int("local_crops_number")
        run.method.globalScale = try numbers("global_crops_scale")
        run.method.localScale = try numbers("local_crops_scale")
        (run.method.masks.ratio, run.method.masks.spread) = (
            try numbers("pred_ratio"), try numbers("pred_ratio_var")
        )
        run.method.masks.startEpoch = try args.int("pred_start_epoch")
        run.method.classTemperature.start = try args.double("warmup_teacher_temp")
        run.method.classTemperature.end = try args.double("teacher_temp")
        run.method.classTemperature.epochs = try args.int("warmup_teacher_temp_epochs")
        run.method.patchTemperature.epochs = run.method.classTemperature.epochs
        run.method.patchTemperature.start = try args.double("warmup_teacher_patch_temp")
        run.method.patchTemperature.end = try args.double("teacher_patch_temp")
        run.method.momentum = try args.double("momentum_teacher")
        run.method.freezeLastLayer = try args.int("freeze_last_layer")
        run.optim.baseLr = try args.double("lr")
        run.optim.weightDecay = try args.double("weight_decay")
        // 0 is no limit.
        run.optim.clip = clip > 0 ? clip : nil
        if args.contains("batch_size_per_gpu"), args.contains("world_size") {
            run.data.batchSize = try args.int("batch_size_per_gpu") * args.int("world_size")
        }
        run.schedule.epochs = try args.double("epochs")
        run.schedule.warmupEpochs = try args.double("warmup_epochs")
        run.schedule.minLr = try args.double("min_lr")
        run.schedule.endWeightDecay = try args.double("weight_decay_end")
        func differences() -> [String] { IBOT<Shape>.Config.differences(run, from: arguments) }
        #expect(differences() == [])
        run.method.momentum += 0.001
        run.method.masks.ratio = run.method.masks.ratio.map { $0 + 0.1 }
        run.method.patchTemperature.epochs += 1
        run.optim.lr = 2 * run.optim.baseLr * Double(run.data.batchSize) / 256
        run.optim.clip = clip > 0 ? nil : 3
        let found = differences()
        #expect(found.count == 5)
        let limit = "optim.clip makes it \(clip > 0 ? 0 : 3)"
        for name in [
            "momentum_teacher", "pred_ratio was ", limit, "method.patchTemperature.epochs",
            "optim.lr makes it \(2 * run.optim.baseLr)",
        ] {
            #expect(found.contains { $0.contains(name) }, "\(found)")
        }
    }

    private func compare<Shape: DistilledModel>(
        _ model: Shape, _ source: CheckpointSource, _ json: ParityConfig, _ args: ParityConfig
    ) throws {
        let settings = try settings(model, source, args)
        let generator = Generator(seed: 0)
        let method = try IBOT<Shape>(
            settings.method, backbone: model.encoder(generator: generator), generator: generator)
        let updater = Updater(method, settings, stepsPerEpoch: 3)
        let foreign = try method.foreignRun(in: source)
        let first = try updater.restore(foreign)
        #expect(first == 3 * (try json.int("epoch")))
        try compareArguments(settings, args, foreign.arguments)

        var compared: Set<String> = []
        func sums(_ tensor: Tensor) -> (sum: Double, size: Double) {
            let values = tensor.detached().to(dtype: .float64)
            return (values.sum().item, values.abs().sum().item)
        }
        for (name, tensor) in method.stateDict {
            let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
            let theirs = (parts[0] == "student" ? "module." : "") + parts[1]
            let recorded = try json.object(parts[0]).object(theirs)
            let (sum, size) = sums(tensor)
            #expect(abs(sum - (try recorded.double("sum"))) <= 1e-9 * max(size, 1), "\(name)")
            #expect(abs(size - (try recorded.double("abs_sum"))) <= 1e-9 * max(size, 1), "\(name)")
            compared.insert("\(parts[0]).\(theirs)")
        }
        for (part, head) in [("student", method.student.head), ("teacher", method.teacher.head)] {
            // Shared parts of heads are there twice.
            let again = head.repeatedNames.map { "head." + $0.again }
            let left = try json.object(part).keys.filter { name in
                !compared.contains("\(part).\(name)") && !again.contains { name.contains($0) }
            }
            #expect(left == [], "\(part)")
        }

        // Moments have numbers there; together they are the same.
        let states = try json.object("optimizer").object("state")
        var expected: [String: Double] = [:]
        for number in try states.keys {
            let state = try states.object(number)
            for moment in try state.keys {
                expected[moment, default: 0] += try state.object(moment).double("abs_sum")
            }
        }
        var found: [String: Double] = [:]
        var parameters: Set<String> = []
        for (name, tensor) in updater.optimizer.stateTensors() {
            let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
            found[parts[0], default: 0] += sums(tensor).size
            parameters.insert(parts[1])
        }
        #expect(parameters.count == (try states.keys.count))
        #expect(Set(found.keys) == Set(expected.keys))
        for (moment, sum) in expected {
            #expect(abs((found[moment] ?? 0) - sum) <= 1e-9 * sum, "\(moment)")
        }

        // And it goes on.
        let views = [model.imageSize, model.imageSize, model.imageSize / 2].map {
            Tensor.normal([2, model.channels, $0, $0], generator: generator)
        }
        let before = method.ibotLoss.center.clone()
        let update = updater.update(
            at: updater.place(ofStep: first),
            [
                (
                    1,
                    {
                        method.loss(
                            global: Array(views[..<2]), local: [views[2]], mask: nil,
                            at: updater.place(ofStep: first))
                    }
                )
            ])
        #expect(update.loss.item.isFinite && !method.ibotLoss.center.isEqual(to: before))
    }

    @Test("a file of another form of head is refused with the setting to change")
    func otherHeads() throws {
        guard let (source, json) = try checkpoint("pretrain_vit_separate_fp32") else { return }
        let args = try json.object("args").object("__Namespace__")
        let model = try vit(source)
        var settings = try settings(model, source, args)
        (settings.method.sharedHead, settings.method.sharedTeacherHead) = (true, true)
        let generator = Generator(seed: 0)
        let method = try IBOT<VisionTransformer.Config>(
            settings.method, backbone: model.encoder(generator: generator), generator: generator)
        do {
            _ = try method.foreignRun(in: source)
            Issue.record("a head that is not shared was taken for one")
        } catch {
            #expect("\(error)".contains("method.sharedHead"))
        }
        guard let (encoder, _) = try checkpoint("backbone_teacher") else { return }
        #expect(throws: CheckpointError.self) { _ = try method.foreignRun(in: encoder) }
    }
}
