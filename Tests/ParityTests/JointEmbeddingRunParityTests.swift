import Checkpoints
import Configuration
import Data
import NN
import Optimizers
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Methods
@testable import Training

/// Schedules, optimiser and whole runs of I-JEPA and StoP.
@Suite("Runs of I-JEPA and StoP equal to the reference") struct JointEmbeddingRunParityTests {
    @Test(
        "learning rate, weight decay and momentum",
        arguments: ParityTable.cases("stop", "ijepa_schedules")
            + ParityTable.cases("stop", "stop_schedules"))
    func schedules(item: ParityCase) throws {
        for (index, row) in try item.config.array("variants").enumerated() {
            var settings = ScheduleSettings()
            settings.firstStep = 1
            settings.epochs = try row.double("epochs")
            settings.warmupEpochs = try row.double("warmup")
            settings.stretch = try row.double("ipe_scale")
            settings.startLr = try row.double("start_lr")
            settings.minLr = try row.double("final_lr")
            settings.endWeightDecay = try row.double("final_wd")
            settings.lrTail = try tail(row, "fix_lr", "lrs")
            settings.weightDecayTail = try tail(row, "fix_wd", "wds")
            // Not validated: the reference also has lengths that runs of ours refuse.
            let schedules = RunSchedules(
                settings, peak: try row.double("lr"), weightDecay: try row.double("wd"),
                stepsPerEpoch: try row.int("ipe"))
            func compare(_ name: String, _ value: (Int) -> Double) throws {
                let name = "out/\(name)_\(index)"
                let count = try item.tensor(name).count
                item.compare(
                    name, Tensor((0..<count).map(value)),
                    tolerance: .relative(1e-12))
            }
            try compare("lr") { schedules.learningRate(at: $0) }
            try compare("wd") { schedules.weightDecay(at: $0) }
            let momentum = try row.array("ema").map { try $0.double }
            try compare("momentum") { step in
                momentum.linear(
                    at: Step(index: step, epoch: 0, total: schedules.length))
            }
        }
        item.finish()
    }

    private func tail(
        _ row: ParityConfig, _ epoch: String, _ shape: String
    ) throws -> TailSettings? {
        // Below zero the reference has no tail.
        guard row.contains(epoch), try row.double(epoch) >= 0 else { return nil }
        var tail = TailSettings()
        tail.epoch = try row.double(epoch)
        let isLinear = try row.contains(shape) && row.string(shape) == "linear"
        tail.shape = isLinear ? .linear : .constant
        return tail
    }

    @Test("AdamW with what it decays", arguments: ParityTable.cases("stop", "stop_adamw"))
    func adamW(item: ParityCase) throws {
        let config = try item.config
        var settings = ScheduleSettings()
        settings.firstStep = 1
        settings.epochs = try config.double("epochs")
        settings.warmupEpochs = try config.double("warmup")
        settings.startLr = try config.double("start_lr")
        settings.minLr = try config.double("final_lr")
        settings.endWeightDecay = try config.double("final_wd")
        let schedules = RunSchedules(
            settings, peak: try config.double("lr"), weightDecay: try config.double("wd"),
            stepsPerEpoch: try config.int("ipe"))
        let parameters = try item.weights.sorted { $0.key < $1.key }
            .map { (name: $0.key, tensor: $0.value.requiringGrad()) }
        let optimizer = AdamW(ParameterGroup.byDecay(parameters))
        for step in 0..<(try config.int("steps")) {
            for (name, tensor) in parameters {
                tensor.gradient = try item.tensor("in/step\(step)_grad_\(name)")
            }
            optimizer.step(
                learningRate: schedules.learningRate(at: step),
                weightDecay: schedules.weightDecay(at: step))
            for (name, tensor) in parameters {
                item.compare(
                    "out/step\(step)_\(name)", tensor.detached(), tolerance: .ofMaximum(2e-6))
            }
        }
        item.finish()
    }

    // MARK: - Whole runs

    @Test("a run of I-JEPA", arguments: ParityTable.cases("stop", "ijepa_train_run"))
    func ijepa(item: ParityCase) throws {
        for dtype in [DType.float32, .float64] {
            let recorded = try RecordedRun<IJEPA>(item, settings: "args", in: dtype)
            try recorded.start()
            try recorded.compare(recorded.steps { try ijepaLoss(recorded, $0, $1) })
        }
        item.finish()
    }

    @Test(
        "a run that goes on from a checkpoint of the reference's",
        arguments: ParityTable.cases("stop", "ijepa_resume_run"))
    func resumed(item: ParityCase) throws {
        let name = try item.config.string("resume_from")
        guard let path = ParityFolder.inUse.file("\(item.family)/\(name)") else {
            for result in try item.names("out/") {
                item.setAside(result, because: "the folder in use has no \(name)")
            }
            return item.finish()
        }
        let source = try CheckpointSource(path: path)
        for dtype in [DType.float32, .float64] {
            let recorded = try RecordedRun<IJEPA>(item, settings: "args", in: dtype)
            let first = try recorded.updater.restore(
                recorded.method.foreignRun(in: source))
            try recorded.compare(recorded.steps(from: first) { try ijepaLoss(recorded, $0, $1) })
        }
        item.finish()
    }

    private func ijepaLoss(
        _ recorded: RecordedRun<IJEPA>, _ index: Int, _ images: Tensor
    ) throws -> Losses {
        recorded.method.loss(images, try recorded.masks(index))
    }

    @Test("runs of StoP", arguments: ParityTable.cases("stop", "stop_train_run*"))
    func stop(item: ParityCase) throws {
        for dtype in [DType.float32, .float64] {
            let recorded = try RecordedRun<StoP>(item, settings: "config", in: dtype)
            try recorded.start()
            try recorded.compare(
                recorded.steps { index, images in
                    let isNoisy = recorded.method.config.positions == .stochastic
                    var noise =
                        try isNoisy
                        ? RecordedJointEmbedding(item).noise("in/step\(index)_unit_noise_")
                        : PositionNoise()
                    noise.targets = noise.targets?.to(dtype: dtype)
                    return recorded.method.loss(
                        images, try recorded.masks(index), noise: noise)
                })
        }
        item.finish()
    }
}
