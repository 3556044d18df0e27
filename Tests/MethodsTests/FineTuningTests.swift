import Checkpoints
import Configuration
import Data
import Foundation
import Imaging
import NN
import Optimizers
import TensorFiles
import TestSupport
import Testing
import Torch
import Training
import VisionModels

@testable import Methods

typealias ViTFineTuning = FineTuning<VisionTransformer.Config>

@Suite("Fine-tuning") struct FineTuningTests {
    private let folder: LabelledRun.Folder

    init() throws { folder = try LabelledRun.Folder() }

    private static func make(
        _ change: (inout ViTFineTuning.Config) -> Void = { _ in }
    ) throws -> ViTFineTuning {
        var config = ViTFineTuning.Config()
        config.classes = 3
        change(&config)
        try config.validate()
        let generator = Generator(seed: 1)
        return try ViTFineTuning(
            config, backbone: LabelledRun.model.encoder(generator: generator),
            generator: generator)
    }

    private static func batch(_ count: Int = 4, size: Int = 8) throws -> ImageBatch {
        var plan = LoaderPlan(
            source: LabelledPictures(count: count),
            views: [
                ImagePipeline(
                    [CenterCrop(size: PixelSize(size))], channels: 1,
                    normalization: Normalization(mean: [0.5], std: [0.25]))
            ],
            sampler: try Sampler(count: count, globalBatchSize: count, seed: 3))
        plan.decoder.channels = .rgbOrGrey
        let loader = try Loader(plan, options: LoaderOptions(threads: 1, prefetch: 1), epochs: 1)
        return ImageBatch(try #require(try loader.next()))
    }

    private static let step = Step(index: 0, epoch: 0, total: 10)

    // MARK: - The loss

    @Test("without mixing the loss is that of smoothed labels", arguments: [0, 0.1])
    func smoothed(smoothing: Double) throws {
        let method = try Self.make {
            $0.mixing = nil
            $0.smoothing = smoothing
            $0.headStd = 1
        }
        method.evaluate()
        let batch = try Self.batch()
        let losses = noGrad { method.loss(batch, at: Self.step) }
        let logs = noGrad { method.classifier(batch.images).logSoftmax(1) }
        let labels = batch.labels.values(as: Int64.self).map { Int($0) }
        let rows = logs.values(as: Float.self)
        var expected = 0.0
        for (row, label) in labels.enumerated() {
            let own = -Double(rows[row * 3 + label])
            let all = -(0..<3).reduce(0.0) { $0 + Double(rows[row * 3 + $1]) } / 3
            expected += ((1 - smoothing) * own + smoothing * all) / Double(labels.count)
        }
        #expect(abs(losses.total.item - expected) < 1e-5)
        let right = labels.enumerated().count { row, label in
            (0..<3).allSatisfy { rows[row * 3 + label] >= rows[row * 3 + $0] }
        }
        #expect(losses.parts.map(\.name) == ["train_top1"])
        #expect(abs(losses.parts[0].value.item - 100 * Double(right) / 4) < 1e-4)
    }

    @Test(
        "with mixing it is that of mixed pictures and labels, drawn by seed, epoch and picture",
        arguments: [(0.8, 0.0), (0.0, 1.0), (0.8, 1.0)])
    func mixed(mixup: Double, cutmix: Double) throws {
        let method = try Self.make {
            $0.mixing?.mixup = mixup
            $0.mixing?.cutmix = cutmix
            $0.headStd = 1
        }
        method.evaluate()
        let batch = try Self.batch()
        var mixing = Mixing(mixupAlpha: mixup, cutmixAlpha: cutmix)
        mixing.smoothing = 0.1
        let (images, targets) = batch.mixed(by: mixing, classCount: 3)
        #expect(!images.isEqual(to: batch.images))
        #expect((targets.sum(1) - 1).abs().max().item < 1e-6)
        let loss = noGrad { method.loss(batch, at: Self.step).total }
        let expected = noGrad {
            -(targets * method.classifier(images).logSoftmax(1)).sum(1).mean()
        }
        #expect(abs((loss - expected).item) < 1e-5)
        #expect(noGrad { method.loss(batch, at: Self.step).total }.item == loss.item)
    }

    // MARK: - The optimiser

    @Test("rates fall towards the input; tokens, positions and vectors do not decay")
    func groups() throws {
        let method = try Self.make { $0.layerDecay = 0.5 }
        var seen: Set<String> = []
        for group in method.parameterGroups {
            for (name, tensor) in group.parameters {
                seen.insert(name)
                let spared = tensor.rank <= 1 || ["cls_token", "pos_embed"].contains(name)
                #expect(group.weightDecayScale == (spared ? 0 : 1), "\(name)")
                let scale: Double =
                    name.hasPrefix("blocks.0.")
                    ? 0.25
                    : name.hasPrefix("blocks.1.")
                        ? 0.5 : name.hasPrefix("head") || name.hasPrefix("fc_norm") ? 1 : 0.125
                #expect(group.learningRateScale == scale, "\(name)")
            }
        }
        #expect(seen == Set(method.classifier.namedParameters.map(\.name)))
        #expect(seen.contains("pos_embed") && seen.contains("head.bias"))
    }

    @Test("DeiT's rate changes between epochs and is an epoch late")
    func perEpoch() {
        var run = RunConfiguration<ViTFineTuning.Config>()
        run.optim.lr = 1e-3
        (run.schedule.epochs, run.schedule.warmupEpochs) = (10, 2)
        (run.schedule.startLr, run.schedule.minLr) = (1e-6, 1e-5)
        run.schedule.lagged = LaggedSettings()
        run.schedule.lagged?.perEpoch = true
        let schedules = RunSchedules(run, stepsPerEpoch: 7)
        func value(_ t: Double) -> Double {
            t < 2
                ? 1e-6 + t * (1e-3 - 1e-6) / 2
                : 1e-5 + 0.5 * (1e-3 - 1e-5) * (1 + cos(.pi * t / 10))
        }
        for step in 0..<70 {
            let expected = value(Double(max(step / 7 - 1, 0)))
            #expect(abs(schedules.learningRate(at: step) - expected) < 1e-15, "\(step)")
        }
    }

    @Test("SimMIM's layers share start and end of the rate, each has its own peak")
    func sharedEnds() {
        var run = RunConfiguration<ViTFineTuning.Config>()
        run.optim.lr = 5e-3
        (run.schedule.epochs, run.schedule.warmupEpochs) = (4, 1)
        (run.schedule.startLr, run.schedule.minLr) = (1e-6, 2e-6)
        run.schedule.lagged = LaggedSettings()
        let schedules = RunSchedules(run, stepsPerEpoch: 5)
        let scale = 0.3
        for step in 0..<20 {
            let (rate, floor) = (
                schedules.learningRate(at: step), schedules.learningRateFloor(at: step)
            )
            // The schedule of a group by itself, with the peak of the group.
            let own = LaggedSchedule(
                .cosine(end: 2e-6), from: 1e-6, peak: 5e-3 * scale, warmupSteps: 5, steps: 20,
                stepsPerEpoch: 5
            ).value(atStep: step)
            #expect(abs(floor + scale * (rate - floor) - own) < 1e-12, "\(step)")
        }
        run.schedule.lagged = nil
        #expect(RunSchedules(run, stepsPerEpoch: 5).learningRateFloor(at: 3) == 0)
    }

    // MARK: - The average

    @Test("the average follows the weights; it is what is exported and scored first")
    func average() throws {
        let method = try Self.make {
            $0.average = AverageSettings()
            $0.average?.decay = 0.75
        }
        let average = try #require(method.modelEma)
        #expect(method.backbone === average.backbone)
        #expect(method.classifiers.map(\.name) == ["ema", "test"])
        let beside = try Self.make {
            $0.average = AverageSettings()
            $0.average?.leads = false
        }
        #expect(beside.backbone === beside.classifier.backbone)
        #expect(beside.classifiers.map(\.name) == ["test", "ema"])
        let before = average.head as? Linear
        let start = try #require(before).weight.detached() * 1
        let trained = try #require(method.classifier.head as? Linear).weight
        #expect(start.isEqual(to: trained.detached()))
        noGrad { trained.fillNormalInPlace(std: 1, generator: Generator(seed: 5)) }
        method.afterStep(Self.step)
        let expected = start * 0.75 + trained.detached() * 0.25
        expect(try #require(before).weight.detached(), closeTo: expected, atol: 1e-6, "average")
        // The optimiser has the trained weights alone.
        let names = method.parameterGroups.flatMap(\.parameters).map(\.name)
        #expect(!names.contains { $0.hasPrefix("model_ema") })
        #expect(method.stateDict.contains { $0.name == "model_ema.blocks.1.mlp.fc2.weight" })
        #expect(try Self.make().classifiers.map(\.name) == ["test"])
    }

    @Test("with a warm-up the average forgets its start quickly")
    func averageWarmup() {
        var settings = AverageSettings()
        #expect(settings.momentum(atStep: 0) == 0.9999)
        settings.warmup = true
        #expect(settings.momentum(atStep: 0) == 0.1)
        #expect(settings.momentum(atStep: 8) == 0.5)
        #expect(settings.momentum(atStep: 10_000_000) == 0.9999)
    }

    // MARK: - Start

    @Test("an MAE run's encoder is taken over, its decoder and norm are not")
    func fromMAE() throws {
        let mae = try LabelledRun.mae()
        let path = try folder.save(mae, trained: true)
        let method = try Self.make { ($0.weights, $0.part) = (path, "model") }
        let report = try #require(try method.start())
        #expect(report.isComplete && report.family == "mae")
        let (own, theirs) = (method.classifier.backbone.stateDict, mae.backbone.stateDict)
        let weights = Dictionary(uniqueKeysWithValues: theirs.map { ($0.name, $0.tensor) })
        for (name, tensor) in own where !name.hasPrefix("fc_norm") {
            #expect(
                tensor.detached().isEqual(to: try #require(weights[name]).detached()), "\(name)")
        }
        #expect(own.contains { $0.name == "pos_embed" && $0.tensor.requiresGrad })
    }

    @Test("a table that SimMIM's blocks share becomes each block's own")
    func fromSimMIM() throws {
        var shape = LabelledRun.model
        (shape.positions, shape.relativePositions, shape.layerScale) = (.none, .shared, 0.1)
        (shape.qkvBias, shape.masksPatches) = (.queryAndValue, true)
        (shape.pooling, shape.finalNorm) = (.token, .tokens)
        var masks = SimMIM<VisionTransformer.Config>.Config()
        masks.masks.unit = 4
        let generator = Generator(seed: 2)
        let simMIM = try SimMIM(
            masks, backbone: shape.encoder(generator: generator), generator: generator)
        let tableName = "rel_pos_bias.relative_position_bias_table"
        let shared = try #require(
            simMIM.backbone.stateDict.first { $0.name == tableName }?.tensor)
        noGrad { shared.fillNormalInPlace(std: 1, generator: generator) }
        let path = try folder.save(simMIM, trained: true)

        (shape.relativePositions, shape.masksPatches) = (.perBlock, false)
        (shape.pooling, shape.finalNorm) = (.mean, .pooled)
        var config = ViTFineTuning.Config()
        (config.classes, config.weights, config.part) = (3, path, "model")
        let method = try ViTFineTuning(
            config, backbone: shape.encoder(generator: generator), generator: generator)
        #expect(try #require(try method.start()).isComplete)
        let tables = method.classifier.stateDict.filter {
            $0.name.hasSuffix("relative_position_bias_table")
        }
        #expect(tables.count == 2)
        for (name, table) in tables {
            #expect(table.detached().isEqual(to: shared.detached()), "\(name)")
        }
    }

    @Test("Swin of SimMIM, and an iBOT run's teacher, start their classifiers")
    func fromOthers() throws {
        var swin = SwinTransformer.Config()
        (swin.imageSize, swin.patchSize, swin.channels) = (16, 2, 1)
        (swin.width, swin.depths, swin.heads, swin.window) = (8, [1, 2], [1, 2], 2)
        swin.maskedPatches = .maskToken
        var masks = SimMIM<SwinTransformer.Config>.Config()
        masks.masks.unit = 8
        let generator = Generator(seed: 2)
        let simMIM = try SimMIM(
            masks, backbone: swin.encoder(generator: generator), generator: generator)
        let path = try folder.save(simMIM, trained: true)
        swin.maskedPatches = .none
        var config = FineTuning<SwinTransformer.Config>.Config()
        (config.classes, config.weights, config.part) = (3, path, "model")
        let method = try FineTuning(
            config, backbone: swin.encoder(generator: generator), generator: generator)
        let report = try #require(try method.start())
        #expect(report.isComplete && report.loaded.count > 20)

        let ibot = try LabelledRun.iBOT()
        noGrad {
            for tensor in ibot.teacher.backbone.parameters {
                tensor.fillNormalInPlace(std: 1, generator: generator)
            }
        }
        let teacher = try #require(ibot.teacher.backbone.clsToken).detached()
        let vit = try Self.make { [folder] in
            ($0.weights, $0.part) = (try? folder.save(ibot, trained: true), "model")
        }
        _ = try vit.start()
        #expect(try #require(vit.classifier.backbone.clsToken).detached().isEqual(to: teacher))
    }

    @Test("layers of iBOT's projection head stay before the classifier")
    func projection() throws {
        let ibot = try LabelledRun.iBOT()
        let path = try folder.save(ibot, trained: true)
        let method = try Self.make {
            ($0.weights, $0.part) = (path, "model")
            var projection = ProjectionSettings()
            (projection.layer, projection.width) = (3, 24)
            (projection.bottleneck, projection.prototypes) = (6, 10)
            $0.projection = projection
        }
        _ = try method.start()
        let weights = Dictionary(
            uniqueKeysWithValues: ibot.teacher.head.stateDict.map { ($0.name, $0.tensor) })
        var compared = 0
        for (name, tensor) in method.classifier.stateDict
        where name.hasPrefix("head.") && !name.contains("cls_head") {
            let own = String(name.dropFirst(5))
            #expect(
                tensor.detached().isEqual(to: try #require(weights[own]).detached()), "\(name)")
            compared += 1
        }
        #expect(compared == 8)
        let images = try Self.batch().images
        let logits = noGrad { method.classifier(images) }
        #expect(logits.shape == [4, 3])
        let sizes = try #require(ProjectionSettings(of: ibot.teacher.head))
        #expect((sizes.depth, sizes.width) == (3, 24))
        #expect((sizes.bottleneck, sizes.prototypes) == (6, 10))
    }

    @Test("a projection of other sizes, or of a file without one, is refused by name")
    func projectionThatDoesNotFit() throws {
        let path = try folder.save(try LabelledRun.iBOT(), trained: false)
        let method = try Self.make {
            ($0.weights, $0.part, $0.projection) = (path, "model", ProjectionSettings())
        }
        #expect {
            try method.start()
        } throws: { error in
            "\(error)".contains("method.projection") && "\(error)".contains("mlp.0.weight")
        }
        let plain = try folder.save(try LabelledRun.mae(), trained: false)
        let other = try Self.make {
            ($0.weights, $0.part, $0.projection) = (plain, "model", ProjectionSettings())
        }
        #expect {
            try other.start()
        } throws: { "\($0)".contains("has no projection head") }
    }

    @Test("the classifier starts anew unless it is to be kept")
    func keepsHead() throws {
        let first = try Self.make { $0.headStd = 1 }
        let path = try folder.save(first, trained: false)
        let weight = try #require(first.classifier.head as? Linear).weight.detached()
        for keeps in [true, false] {
            let method = try Self.make {
                ($0.weights, $0.part, $0.keepsHead) = (path, "model", keeps)
            }
            _ = try method.start()
            let own = try #require(method.classifier.head as? Linear).weight.detached()
            #expect(own.isEqual(to: weight) == keeps)
            #expect(own.abs().max().item < 1e-3 || keeps)
        }
        let mae = try folder.save(try LabelledRun.mae(), trained: false)
        let method = try Self.make { ($0.weights, $0.part, $0.keepsHead) = (mae, "model", true) }
        #expect {
            try method.start()
        } throws: { "\($0)".contains("method.keepsHead") }
    }

    // MARK: - Settings

    @Test(
        "what makes no sense is refused with key, value and what is expected",
        arguments: [
            ("method.layerDecay=0", "method.layerDecay is 0.0, expected above 0"),
            ("method.layerDecay=1.1", "method.layerDecay is 1.1"),
            ("method.smoothing=1", "method.smoothing is 1.0"),
            ("method.classes=1", "method.classes is 1, expected 2 or more"),
            ("method.headStd=-1", "method.headStd is -1.0"),
            ("method.cropPercent=1.5", "method.cropPercent is 1.5"),
            ("method.average.decay=1", "method.average.decay is 1.0, expected a number in [0, 1)"),
            ("method.mixing.mixup=-1", "method.mixing.mixup is -1.0"),
            ("method.mixing.switchProbability=2", "mixing.switchProbability"),
            ("method.projection.layer=0", "method.projection.layer is 0"),
            ("method.projection.layer=4", "expected 1 to 3, the layers of the projection head"),
            ("method.keepsHead=true", "method.keepsHead is true without weights"),
            ("method={projection: {layer: 1}, headStd: 0.1}", "headStd is 0.1 beside projection"),
            ("method.part=model", "method.part is given without weights"),
            ("data.batchSize=1023", "data.batchSize is 1023, expected an even number"),
            ("data.onBad=skip", "data.onBad is skip, expected substitute or stop"),
            ("model.pooling=none", "model.pooling is none, expected token or mean"),
            ("method.mixin=null", "did you mean 'mixing'?"),
        ])
    func validation(override: String, message: String) {
        #expect {
            try RunConfiguration<ViTFineTuning.Config>.resolve(overrides: [override])
        } throws: { error in
            error is ConfigurationError && "\(error)".contains(message)
        }
    }

    @Test("without mixing, or with an own draw for each picture, an odd batch is no error")
    func oddBatches() throws {
        for override in ["method.mixing=null", "method.mixing.mode=elem"] {
            _ = try RunConfiguration<ViTFineTuning.Config>.resolve(
                overrides: ["data.batchSize=15", override])
        }
        let accumulated = #expect(throws: ConfigurationError.self) {
            try RunConfiguration<ViTFineTuning.Config>.resolve(
                overrides: ["data.batchSize=6", "run.accumulation=2"])
        }
        #expect(accumulated?.description.contains("each of 2 parts") == true)
    }

    @Test("classes come from the pictures, and may be more but not fewer")
    func classes() throws {
        var config = ViTFineTuning.Config()
        #expect(try config.settings(for: LabelledPictures()) == ["method.classes=3"])
        config.classes = 5
        #expect(try config.settings(for: LabelledPictures()) == [])
        config.classes = 2
        #expect {
            try config.settings(for: LabelledPictures())
        } throws: { "\($0)".contains("at least 3") }
        #expect {
            try config.settings(for: LabelledPictures(classNames: []))
        } throws: { "\($0)".contains("pictures without labels") }
    }

    @Test("a model takes over its encoder's shape, not what belongs to the task")
    func inherited() throws {
        var shape = LabelledRun.model
        (shape.positions, shape.masksPatches, shape.dropPath) = (.sinCos, true, 0.3)
        let text = try shape.inherited()
        for key in ["\"width\":16", "\"patchSize\":4", "\"heads\":2", "\"qkvBias\":\"all\""] {
            #expect(text.contains(key), "\(key)")
        }
        for key in ["dropPath", "pooling", "finalNorm", "masksPatches", "\"positions\""] {
            #expect(!text.contains(key), "\(key)")
        }
        shape.positions = .none
        #expect(try shape.inherited().contains("\"positions\":\"none\""))
        let base = try Recipe(yaml: "{model: \(text)}", named: "the weights")
        let recipe = try Recipe(yaml: "model: {dropPath: 0.2, imageSize: 16}", named: "recipe")
        let model = try RunConfiguration<ViTFineTuning.Config>.resolve(
            recipe: recipe, over: base, overrides: ["model.heads=4"]
        ).value.model
        #expect((model.width, model.patchSize, model.heads) == (16, 4, 4))
        #expect((model.imageSize, model.dropPath) == (16, 0.2))
        #expect((model.pooling, model.positions) == (.mean, .learned))
    }
}
