import ArgumentParser
import Checkpoints
import Configuration
import Data
import Evaluation
import Foundation
import NN
import Torch
import Training

/// One call of `pretrain`, `finetune` or `resume`, from settings to the report.
struct PretrainingSession<Method: PretrainingMethod> {
    let settings: RunConfiguration<Method.Config>
    let folder: RunFolder
    private let source: any ImageSource
    /// The test pictures of a method that trains a classifier.
    private let test: ClassifierTest?
    private let progress: ProgressLine
    private let json: Bool
    private let isNew: Bool
    /// Of a resumed run.
    private let changes: SettingChanges?

    /// Makes the folder of a new run; settings of `base` lie beneath those of the recipe.
    init(
        recipe: Recipe?, over base: Recipe? = nil, overrides: [String], out: String, json: Bool
    ) throws {
        progress = ProgressLine(silent: json)
        // The pictures first: a wrong path must not leave a folder behind.
        let first = try Self.resolve(recipe, over: base, overrides).value
        source = try first.data.open(silent: json)
        var found = ["data.fingerprint=\(source.fingerprint)"]
        let classifying = first.method as? any ClassifyingConfiguration
        if let classifying { found += try classifying.settings(for: source) }
        let resolved = try Self.resolve(recipe, over: base, overrides + found)
        settings = resolved.value
        test = try ClassifierTest(settings, trainedOn: source, silent: json)
        // So must a wrong checkpoint.
        if let path = settings.run.continueFrom {
            guard Method.self is any ContinuingMethod.Type else {
                throw UsageError("--continue-from: there is no reader of runs of \(Method.name)")
            }
            if let run = try NamedRun(of: URL(fileURLWithPath: path)) {
                throw UsageError(
                    "--continue-from is for checkpoints of \(Method.name)'s own code: "
                        + "`tessera resume \(run.folder.path)` goes on with a run of ours")
            }
            _ = try CheckpointSource(path: path)
        }
        folder = try RunFolder.create(out)
        (self.json, isNew, changes) = (json, true, nil)
        if classifying != nil { try folder.write(classNames: source.classNames) }
        try SettingChanges.write(resolved.yaml(), to: folder.configuration)
    }

    /// Opens the folder of a run; settings that it did not have so far are kept.
    init(
        resuming path: String, recipe: Recipe, overrides: [String], allowsDataChange: Bool = false,
        json: Bool
    ) throws {
        progress = ProgressLine(silent: json)
        folder = try RunFolder.open(path)
        let before = try Self.resolve(recipe, [])
        var overrides = overrides
        if allowsDataChange { overrides.append("data.fingerprint=null") }
        source = try Self.resolve(recipe, overrides).value.data.open(silent: json)
        if allowsDataChange { overrides.append("data.fingerprint=\(source.fingerprint)") }
        let resolved = try Self.resolve(recipe, overrides)
        settings = resolved.value
        changes = try SettingChanges(from: before, to: resolved)
        if settings.method is any ClassifyingConfiguration {
            // A class more moves the numbers of those behind it.
            try folder.require(classNames: source.classNames)
        }
        test = try ClassifierTest(settings, trainedOn: source, silent: json)
        (self.json, isNew) = (json, false)
    }

    /// Settings that stand for what the machine offers get their values, which the run then keeps.
    private static func resolve(
        _ recipe: Recipe?, over base: Recipe? = nil, _ overrides: [String]
    ) throws -> ResolvedConfiguration<RunConfiguration<Method.Config>> {
        typealias Settings = RunConfiguration<Method.Config>
        try LibTorch.load()
        let run = try Settings.resolve(recipe: recipe, over: base, overrides: overrides).value.run
        var machine: [String] = []
        if run.threads == nil {
            machine.append("run.threads=\(ProcessInfo.processInfo.activeProcessorCount)")
        }
        let device = try run.device.resolve()
        machine.append("run.precision=\(try run.precision.resolve(on: device).rawValue)")
        return try Settings.resolve(recipe: recipe, over: base, overrides: overrides + machine)
    }

    /// Trains to the end, then writes the report.
    func run() throws {
        try train()
        if test != nil {
            let scores = try FineTuningScores.write(for: Method.self, run: folder.url)
            try ScoreSheet.show(scores, json: json)
        }
        let report = try RunReport.write(for: Method.self, run: folder.url)
        progress.note("report: \(report.relativePath)")
    }

    /// Trains to the end; a signal ends the program once the state is saved.
    func train() throws {
        Interruption.install()
        defer { Interruption.remove() }
        let trainer: Trainer<Method>
        do {
            trainer = try Trainer<Method>(
                settings, source: source, folder: folder, probe: probe(), progress: progress,
                echo: { [json] line in if json { JSONLine.write(line: line) } })
        } catch {
            // A run that cannot begin must not be in the way of the next attempt.
            if isNew { folder.discard() }
            throw error
        }
        // They work, so they are the run's from now on.
        if let changes, !changes.texts.isEmpty {
            try changes.write(over: folder.configuration)
            progress.note(
                "from here on, kept in config.yaml: \(changes.texts.joined(separator: ", "))")
        }
        announce(trainer)
        guard case .interrupted(let step) = try trainer.run() else { return }
        progress.note(
            "stopped at step \(step); continue with: tessera resume \(folder.url.relativePath)")
        throw ExitCode(ExitStatus.interrupted.rawValue)
    }

    private func announce(_ trainer: Trainer<Method>) {
        let parameters = trainer.method.backbone.parameterCount
        progress.note(
            "\(Method.name) · encoder \(readableCount(parameters)) parameters · \(source.count) "
                + "pictures · \(trainer.totalSteps) steps of \(settings.data.batchSize) · "
                + "\(trainer.device), \(settings.run.precision.rawValue), seed \(settings.run.seed)"
        )
        if settings.optim.lr != nil, settings.optim.baseLr != OptimizerSettings().baseLr {
            progress.note("note: optim.baseLr without effect: optim.lr is given")
        }
        for warning in Method.Config.warnings(settings) { progress.note("note: \(warning)") }
        if trainer.step > 0 { progress.note("continuing after step \(trainer.step)") }
    }

    /// What the encoder is worth on a fixed sample of the pictures.
    private func probe() -> Probe? {
        guard settings.run.probeEvery != nil else { return nil }
        if let test { return test.probe(progress) }
        return runProbe(
            source, settings: settings.data,
            judging: Method.self is any SelfDistillingMethod.Type ? folder.metrics : nil)
    }
}

extension DataSettings {
    /// Opens the pictures; says how far it is where that takes long, and what is odd about them.
    func open(silent: Bool) throws -> any ImageSource {
        let progress = SourceProgress(silent: silent)
        let source = try open(progress.options)
        for note in source.notes { progress.note(note) }
        return source
    }
}

/// A count for people: `85.8 M`.
func readableCount(_ count: Int) -> String {
    switch count {
    case 1_000_000...: String(format: "%.1f M", Double(count) / 1e6)
    case 1_000...: String(format: "%.1f k", Double(count) / 1e3)
    default: "\(count)"
    }
}
