import NN
import Torch

extension LinearSweep {
    /// How a classifier did.
    public struct Outcome: Sendable {
        public let probe: Probe
        /// After the last epoch.
        public let final: Accuracy
        /// The best after any epoch; of equal ones the latest, as published.
        public let best: Accuracy
        /// The epoch of the best, counted from 1.
        public let bestEpoch: Int
    }

    public struct Result: Sendable {
        /// In the order of the settings.
        public let outcomes: [Outcome]
        /// The best of all.
        public let best: Outcome
        /// Where the best one put the right classes, in its best epoch.
        public let ranks: TestRanks
        /// The best with the first weight decay and optimiser of the settings, so that only the learning
        /// rate was chosen; with where it put the right classes.
        public let rateOnly: (outcome: Outcome, ranks: TestRanks)
    }

    /// Trains and tests every classifier.
    ///
    /// - Parameters:
    ///   - train: at least one.
    ///   - test: of the same width.
    ///   - config: of the training.
    ///   - seed: of the initial weights and the order.
    ///   - store: keeps the classifiers after an epoch, and has perhaps kept them before.
    ///   - progress: is told the epochs done.
    /// - Returns: the accuracies on the test features.
    /// - Throws: `EvaluationError` for features that cannot be trained on.
    public static func run(
        train: some ProbeFeatures, test: Features, _ config: Config = Config(), seed: UInt64 = 0,
        store: ProbeStore? = nil, progress: (Int) -> Void = { _ in }
    ) throws -> Result {
        try config.validate()
        try EvaluationError.check(train: train, test: test)
        let batch = min(config.batch, train.count)
        let classCount = max(train.classCount, test.classCount)
        let sweep = LinearSweep(
            config.probes, start: start(train, classCount, seed), batch: batch,
            momentum: config.momentum)
        let record = Record(config, testCount: test.count)
        let state = StoredSweep(sweep: sweep, record: record)
        let kept = try store?.restore(state) ?? 0
        for epoch in kept..<config.epochs {
            let factor = annealing(epoch: epoch, of: config.epochs)
            let next = try train.batches(epoch: epoch, of: batch, seed: seed)
            while let (features, labels) = try next() {
                sweep.step(features, labels, factor: factor)
            }
            let done = epoch + 1
            if done % config.testEvery == 0 || done == config.epochs {
                record.add(sweep.ranks(test), epoch: done)
            }
            try store?.save(state, epochs: done)
            progress(done)
        }
        store?.finish()
        return record.result
    }

    private static func start(
        _ train: some ProbeFeatures, _ classCount: Int, _ seed: UInt64
    ) -> (weights: Tensor, bias: Tensor) {
        let weights =
            Tensor.normal(
                [classCount, train.width], generator: Generator(seed: seed)) * 0.01
        return (weights.to(train.device), Tensor.zeros([classCount], device: train.device))
    }
}

/// The classifiers and how they did.
private struct StoredSweep: StoredProbe {
    let sweep: LinearSweep
    let record: Record

    var stored: [(name: String, tensor: Tensor)] { sweep.stored + record.stored }

    func load(_ tensors: StoredTensors) throws {
        try sweep.load(tensors)
        try record.load(tensors)
    }
}

/// The best of every classifier so far.
private final class Record: StoredProbe {
    private let probes: [LinearSweep.Probe]
    private let testCount: Int
    private var final: [Accuracy]
    private var best: [(accuracy: Accuracy, epoch: Int)]
    private var all: (index: Int, ranks: TestRanks)?
    private var rateOnly: (index: Int, ranks: TestRanks)?
    private let first: (decay: Double?, rule: LinearSweep.Rule?)

    init(_ config: LinearSweep.Config, testCount: Int) {
        probes = config.probes
        self.testCount = testCount
        let none = Accuracy(top1: 0, top5: 0)
        final = probes.map { _ in none }
        best = probes.map { _ in (none, 0) }
        first = (config.weightDecays.first, config.optimizers.first)
    }

    func add(_ ranks: [TestRanks], epoch: Int) {
        for (index, ranks) in ranks.enumerated() {
            let accuracy = ranks.accuracy
            final[index] = accuracy
            guard accuracy.top1 >= best[index].accuracy.top1 else { continue }
            best[index] = (accuracy, epoch)
            func isBetter(than old: (index: Int, ranks: TestRanks)?) -> Bool {
                old.map { accuracy.top1 >= $0.ranks.accuracy.top1 } ?? true
            }
            if isBetter(than: all) { all = (index, ranks) }
            if probes[index].weightDecay == first.decay, probes[index].optimizer == first.rule,
                isBetter(than: rateOnly)
            {
                rateOnly = (index, ranks)
            }
        }
    }

    var stored: [(name: String, tensor: Tensor)] {
        let numbers = probes.indices.flatMap { index -> [Double] in
            let (last, best) = (final[index], best[index])
            return [
                last.top1, last.top5, best.accuracy.top1, best.accuracy.top5, Double(best.epoch),
            ]
        }
        func ranks(_ found: (index: Int, ranks: TestRanks)?) -> Tensor {
            Tensor(found.map { [$0.index] + $0.ranks.values } ?? [])
        }
        return [
            ("record.accuracies", Tensor(numbers)), ("record.best", ranks(all)),
            ("record.rateOnly", ranks(rateOnly)),
        ]
    }

    func load(_ tensors: StoredTensors) throws {
        let numbers = try tensors.values(
            "record.accuracies", count: 5 * probes.count, as: Double.self)
        for index in probes.indices {
            let own = Array(numbers[5 * index..<5 * index + 5])
            final[index] = Accuracy(top1: own[0], top5: own[1])
            guard let epoch = Int(exactly: own[4]) else {
                throw EvaluationError("record.accuracies names no epoch: \(own[4])")
            }
            best[index] = (Accuracy(top1: own[2], top5: own[3]), epoch)
        }
        func ranks(_ name: String) throws -> (index: Int, ranks: TestRanks)? {
            if try tensors.isEmpty(name) { return nil }
            let found = try tensors.values(name, count: 1 + testCount, as: Int64.self).map(Int.init)
            guard probes.indices.contains(found[0]) else {
                throw EvaluationError("\(name) is of no classifier")
            }
            return (found[0], TestRanks(Array(found[1...])))
        }
        (all, rateOnly) = (try ranks("record.best"), try ranks("record.rateOnly"))
    }

    var result: LinearSweep.Result {
        let outcomes = probes.indices.map {
            LinearSweep.Outcome(
                probe: probes[$0], final: final[$0], best: best[$0].accuracy,
                bestEpoch: best[$0].epoch)
        }
        guard let all, let rateOnly else { fatalError("a sweep that was never tested") }
        return LinearSweep.Result(
            outcomes: outcomes, best: outcomes[all.index], ranks: all.ranks,
            rateOnly: (outcomes[rateOnly.index], rateOnly.ranks))
    }
}

extension LinearSweep {
    /// Top-1 and top-5 of the best classifier, as `scores.json` keeps them, and where the grid is wider than
    /// learning rates, of the best by its learning rate alone.
    ///
    /// The best is chosen on the test set, as published tables do; the accuracy at each rate is among the
    /// settings.
    public static func scores(
        train: some ProbeFeatures, test: Features, _ config: Config = Config(), seed: UInt64 = 0,
        store: ProbeStore? = nil, progress: (Int) -> Void = { _ in }
    ) throws -> [Score] {
        let result = try run(
            train: train, test: test, config, seed: seed, store: store, progress: progress)
        let batch = min(config.batch, train.count)
        func settings(_ chosen: Outcome, _ rule: String) -> [String: Score.Setting] {
            var settings: [String: Score.Setting] = [
                "chosenBy": .text(rule), "learningRate": .number(chosen.probe.learningRate),
                "weightDecay": .number(chosen.probe.weightDecay),
                "optimizer": .text(chosen.probe.optimizer.rawValue),
                "momentum": .number(config.momentum), "epoch": .number(Double(chosen.bestEpoch)),
                "epochs": .number(Double(config.epochs)), "batch": .number(Double(batch)),
                "seed": .number(Double(seed)), "finalTop1": .number(chosen.final.top1),
                "probes": .number(Double(result.outcomes.count)),
                "learningRates": .text(
                    config.learningRates.map { "\($0)" }.joined(separator: " ")),
                "weightDecays": .text(
                    config.weightDecays.map { "\($0)" }.joined(separator: " ")),
                "optimizers": .text(config.optimizers.map(\.rawValue).joined(separator: " ")),
                "testEvery": .number(Double(config.testEvery)),
            ]
            for outcome in result.outcomes where outcome.probe.isBeside(chosen.probe) {
                settings["top1 at lr \(outcome.probe.learningRate)"] = .number(outcome.best.top1)
            }
            return settings
        }
        var found = [(result.ranks, settings(result.best, "best"))]
        if config.weightDecays.count * config.optimizers.count > 1 {
            found.append(
                (result.rateOnly.ranks, settings(result.rateOnly.outcome, "learning rate")))
        }
        return Score.pairs("sweep", found, Bootstrap(seed: seed))
    }
}

extension LinearSweep.Probe {
    /// Whether only the learning rate tells two apart.
    fileprivate func isBeside(_ other: Self) -> Bool {
        weightDecay == other.weightDecay && optimizer == other.optimizer
    }
}
