import Checkpoints
import Configuration
public import Data
import Foundation
import NN
import Optimizers
public import Torch
import VisionModels

/// The training loop: batches to losses to gradients to steps, with nothing of any method in it.
///
/// A run is a function of its configuration and its pictures: stopped at any step and resumed, with
/// any number of loader threads, with or without logs and probes, it makes the same steps.
public final class Trainer<Method: PretrainingMethod> {
    /// How a call of `run` ended.
    public enum Outcome: Sendable, Equatable {
        case finished
        /// A signal asked to stop; the state is saved.
        case interrupted(step: Int)
    }

    public let method: Method
    public let device: Device

    /// The number of optimiser steps of the whole run.
    public let totalSteps: Int

    /// Optimiser steps done so far.
    public private(set) var step = 0

    /// Whether the run has been saved before.
    private let hasCheckpoint: Bool
    /// Of what the next lines of the log are made.
    private let openLog: StepLog.Open
    private let settings: RunConfiguration<Method.Config>
    private let folder: RunFolder
    private let store: CheckpointStore
    private let loader: Loader
    private let stepsPerEpoch: Int
    private let updater: Updater<Method>
    private let generator: Generator
    private let probe: Probe?
    private let progress: ProgressLine
    private let echo: (String) -> Void
    private var guardian: NonFiniteGuard
    /// The best score of a probe so far.
    private var bestScore: Double?

    /// Builds model, optimiser and loader, and restores the newest checkpoint where there is one.
    ///
    /// - Parameters:
    ///   - settings: validated; `run.threads` and `run.precision` settled.
    ///   - source: the pictures.
    ///   - folder: of this run.
    ///   - probe: a measurement of the model now and then.
    ///   - progress: where people look.
    ///   - echo: is given every line of `metrics.jsonl` as it is written.
    /// - Throws: what reading the checkpoint or building the parts throws.
    public init(
        _ settings: RunConfiguration<Method.Config>, source: any ImageSource, folder: RunFolder,
        probe: Probe? = nil, progress: ProgressLine = ProgressLine(),
        echo: @escaping (String) -> Void = { _ in }
    ) throws {
        let (run, data) = (settings.run, settings.data)
        (self.settings, self.folder, self.probe) = (settings, folder, probe)
        (self.progress, self.echo) = (progress, echo)
        guard data.batchSize % run.partCount == 0 else {
            throw ConfigurationError.invalid(
                "data.batchSize", found: data.batchSize,
                expected: run.parallel == 1
                    ? "a multiple of run.accumulation, \(run.accumulation)"
                    : "a multiple of run.accumulation × run.parallel, \(run.partCount)")
        }
        guard !settings.optim.clipsParts || run.partCount == 1 || run.precision != .float16 else {
            throw ConfigurationError.invalid(
                "optim.clipsParts", found: true, expected: "false with run.precision=float16",
                advice: "gradients of parts are scaled there, by as much as the loss")
        }
        device = try run.device.resolve()
        if let threads = run.threads { TorchSettings.threadCount = threads }
        TorchSettings.flushDenormals(true)

        generator = Generator(seed: run.seed)
        let backbone = try settings.model.encoder(generator: generator)
        method = try Method(settings.method, backbone: backbone, generator: generator)
        method.move(to: device)
        method.checkpointActivations(run.activationCheckpointing)

        var plan = try data.plan(
            for: source, imageSize: settings.model.imageSize, channels: settings.model.channels,
            seed: run.seed, views: settings.method.views(size:))
        try settings.method.validate(views: plan.views, for: settings.model)
        stepsPerEpoch = plan.sampler.stepsPerEpoch
        totalSteps = Int(
            RunSchedules.wholeSteps(settings.schedule.epochs * Double(stepsPerEpoch)))
        updater = Updater(method, settings, stepsPerEpoch: stepsPerEpoch)

        store = CheckpointStore(folder.checkpoints, keep: run.keep)
        let newest = store.newest(reportingDamaged: { url, error in
            progress.note("passing over a damaged checkpoint, \(url.lastPathComponent): \(error)")
        })
        if newest == nil { try Self.requireBeginning(folder, store) }
        hasCheckpoint = newest != nil
        bestScore = store.bestScore
        if let newest {
            step = try TrainingState.restore(
                from: newest, model: method, optimizer: updater.optimizer,
                scaler: updater.scaler, generator: generator)
            guard step <= totalSteps else {
                throw ConfigurationError.invalid(
                    "schedule.epochs", found: settings.schedule.epochs,
                    expected: "at least the \(Double(step) / Double(stepsPerEpoch)) that are done")
            }
        } else if let path = run.continueFrom {
            guard let method = method as? any ContinuingMethod else {
                throw ConfigurationError.invalid(
                    "run.continueFrom", found: path, expected: "null for \(Method.name)",
                    advice: "there is no reader of runs of its own code")
            }
            let checkpoint = try CheckpointSource(path: path)
            try checkpoint.verify()
            let foreign = try method.foreignRun(in: checkpoint)
            for difference in Method.Config.differences(settings, from: foreign.arguments)
                + foreign.differences(from: settings.optim)
            {
                progress.note("note: in \(path) \(difference)")
            }
            step = try updater.restore(foreign)
            guard step < totalSteps else {
                throw ConfigurationError.invalid(
                    "schedule.epochs", found: settings.schedule.epochs,
                    expected: "more than the \(foreign.epochs) epochs that \(path) has done")
            }
        } else if let method = method as? any ClassifyingMethod, let report = try method.start() {
            progress.note(report.brief)
        }
        openLog = try newest.map(StepLog.Open.read(from:)) ?? StepLog.Open()
        guardian = NonFiniteGuard(
            limit: run.maxNonFinite,
            capture: folder.url.appendingPathComponent("nonfinite.safetensors"),
            skippedCount: openLog.skippedCount)
        var options = LoaderOptions(threads: data.workers, toGPU: device != .cpu)
        options.prefetch = data.prefetch
        // A quarter of the traffic; the GPU normalises.
        if device != .cpu, !plan.views.contains(where: \.needsFloats) { plan.element = .uint8 }
        let badFiles = BadFileLog(folder.badFiles)
        loader = try Loader(
            plan, options: options,
            start: LoaderPosition(epoch: step / stepsPerEpoch, step: step % stepsPerEpoch)
        ) { bad in
            if badFiles.append(bad) { progress.note("cannot read \(bad.name): \(bad.reason)") }
        }
    }

    /// Makes the steps that are left.
    ///
    /// - Returns: whether the run is finished or was interrupted.
    /// - Throws: what reading pictures, writing files or a diverging loss throws; the newest
    ///   checkpoint is then still there.
    public func run() throws -> Outcome {
        method.train()
        fixOrderOfSums(true)
        defer { fixOrderOfSums(false) }
        let log = try StepLog(
            folder, from: step, continuing: openLog, stepsPerEpoch: stepsPerEpoch,
            totalSteps: totalSteps, every: settings.run.logEvery, columns: Method.publishedColumns,
            batchSize: settings.data.batchSize, progress: progress, echo: echo)
        if !hasCheckpoint { try save(log.open) }
        // A process that was killed in a probe had saved before it.
        if step > 0, isProbeDue, try !hasReading { try probe(into: log) }
        var unread: [MadeStep] = []
        while step < totalSteps {
            if Interruption.isRequested {
                try read(&unread, into: log)
                try save(log.open)
                return .interrupted(step: step)
            }
            unread.append(try makeStep())
            step += 1
            let savesNow = isDue(every: settings.run.saveEvery) || step == totalSteps
            // Reading a number waits for a GPU, so there it is done only for whole lines of the log, and
            // where a resumed run will not make these steps again.
            if device == .cpu || step % settings.run.logEvery == 0 || savesNow {
                try read(&unread, into: log)
            }
            if savesNow { try save(log.open) }
            if isProbeDue { try probe(into: log) }
        }
        progress.finish()
        return .finished
    }

    /// What a step was like, as tensors that are perhaps still being computed.
    private struct MadeStep {
        let number: Int
        let update: Updater<Method>.Update
    }

    /// One step; with AdamW nothing waits for the device.
    private func makeStep() throws -> MadeStep {
        guard let whole = try loader.next() else { fatalError("the loader ended before the run") }
        guard whole.count > 0 else {
            throw DataError(
                .tooManyBadFiles, settings.data.path,
                "no picture of step \(step + 1) can be read",
                remedy: "bad_files.jsonl in the folder of the run says why; with the pictures back "
                    + "`tessera resume` goes on from the last checkpoint")
        }
        let batch = ImageBatch(whole, on: device)
        let place = updater.place(ofStep: step)
        // Pictures that were left out can make parts of other sizes, and empty ones.
        let parts = batch.parts(settings.run.partCount).filter { $0.count > 0 }
            .enumerated().map { index, part in
                var place = place
                place.part = index
                return (pictures: part, place: place)
            }
        var preparations: [() -> Void] = []
        if parts.count > 1, let method = method as? any WholeStepMethod, method.comparesParts {
            preparations = parts.map { part in
                { method.prepare(part.pictures, at: part.place) }
            }
        }
        let update = updater.update(
            at: place,
            parts.map { part in
                (
                    Double(part.pictures.count) / Double(batch.count),
                    { self.method.loss(part.pictures, at: part.place) }
                )
            },
            preparations: preparations)
        return MadeStep(number: step + 1, update: update)
    }

    /// Reads the numbers of steps, judges and logs them.
    private func read(_ steps: inout [MadeStep], into log: StepLog) throws {
        for made in steps {
            let update = made.update
            let (loss, norm) = (update.loss.item, update.gradientNorm.item)
            var parts = RunningMeans()
            for (name, value) in update.parts { parts.add(name, value.item) }
            if made.number % settings.run.logEvery == 0 {
                for (name, value) in update.gradients.named { parts.add(name, value.item) }
            }
            let admitted = try guardian.admits(
                loss: loss, gradientNorm: norm, lossScale: updater.scaler?.scale.item,
                step: made.number,
                views: views(ofStep: made.number - 1))
            try log.add(
                StepLog.Entry(
                    step: made.number, loss: loss,
                    parts: parts.means, gradientNorm: norm,
                    learningRate: update.learningRate, weightDecay: update.weightDecay,
                    wasSkipped: !admitted,
                    skippedCount: guardian.skippedCount, imageCount: settings.data.batchSize,
                    waited: loader.statistics.waitSeconds, peakMemory: device.memory?.peak))
        }
        steps = []
    }

    /// The pictures of an earlier step, loaded once more: they are a function of its position.
    private func views(ofStep step: Int) throws -> [Tensor] {
        let again = try Loader(
            loader.plan, options: LoaderOptions(threads: 1, prefetch: 1), start: position(of: step))
        guard let batch = try again.next() else { fatalError("the loader ended before the run") }
        return ImageBatch(batch).views
    }

    private func position(of step: Int) -> LoaderPosition {
        LoaderPosition(epoch: step / stepsPerEpoch, step: step % stepsPerEpoch)
    }

    /// Whether the encoder is looked at after the step just made.
    private var isProbeDue: Bool {
        guard probe != nil, let every = settings.run.probeEvery else { return false }
        return isDue(every: every) || step == totalSteps
    }

    /// Whether the log has what a probe found after the step just made: lines of steps name their rate.
    private var hasReading: Bool {
        get throws {
            try MetricsLog.read(folder.metrics).contains { $0.step == step && $0["lr"] == nil }
        }
    }

    private func probe(into log: StepLog) throws {
        guard let probe else { return }
        let reading = try measure(probe)
        // Before the line: a run that is killed between them measures once more.
        if let score = reading.score { try keep(score) }
        try log.addProbe(step: step, reading.values)
        if let warning = reading.warning { progress.note(warning) }
    }

    /// Throws `RunFolderError` where a run without an intact checkpoint once had one: to begin again would
    /// erase its log.
    private static func requireBeginning(_ folder: RunFolder, _ store: CheckpointStore) throws {
        let logged = try MetricsLog.read(folder.metrics).last?.step ?? 0
        let damaged = store.all().count
        guard damaged > 0 || logged > 0 else { return }
        let what =
            damaged > 0 ? "no intact checkpoint, only damaged ones" : "no checkpoint any more"
        throw RunFolderError(
            "\(folder.checkpoints.relativePath) holds \(what), of a run that was at step \(logged): "
                + "bring one back, or begin anew with the recipe "
                + "\(folder.configuration.relativePath) in another folder")
    }

    /// Whether the step just made completes another stretch of so many epochs.
    private func isDue(every epochs: Double) -> Bool {
        // A little less, so that 0.55 epochs of 100 steps are 55 and not the next.
        let length = max(1, epochs * Double(stepsPerEpoch) * (1 - 1e-12))
        return Int(Double(step) / length) > Int(Double(step - 1) / length)
    }

    /// Weights that are not finite are not saved: the older checkpoints are those to go on from.
    ///
    /// - Throws: `TrainingError` where such weights, or the first ones still, would be the run's result.
    private func save(_ openLog: StepLog.Open) throws {
        guard guardian.skippedCount < totalSteps else {
            throw TrainingError.unmoved(steps: totalSteps)
        }
        if let broken = method.nonFiniteWeights {
            guard step < totalSteps else {
                throw TrainingError.broken(weights: broken, step: step)
            }
            return progress.note(
                "not saved after step \(step): \(broken) holds numbers that are not finite")
        }
        let state = TrainingState(
            step: step, model: method, optimizer: updater.optimizer, scaler: updater.scaler,
            generator: generator)
        try store.save(
            state, metadata: ["method": Method.name, StepLog.Open.key: openLog.text])
    }

    /// Keeps the weights if no earlier ones had such a score.
    private func keep(_ score: Double) throws {
        guard score > bestScore ?? -.infinity else { return }
        bestScore = score
        try store.saveBest(
            TrainingState(step: step, weightsOf: method), score: score,
            metadata: ["method": Method.name])
    }

    /// Whether sums on a GPU are made in a fixed order; it is a setting of the whole process.
    private func fixOrderOfSums(_ on: Bool) {
        guard device != .cpu, settings.run.deterministic else { return }
        TorchSettings.useDeterministicAlgorithms(on)
    }

    /// Runs the probe without leaving a trace in the run.
    private func measure(_ probe: Probe) throws -> Probe.Reading {
        method.evaluate()
        // A probe need not repeat to the bit, and may use operators that on a GPU cannot.
        fixOrderOfSums(false)
        defer {
            fixOrderOfSums(true)
            method.train()
        }
        return try noGrad { try probe.measure(method) }
    }
}
