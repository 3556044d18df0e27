import Configuration
import NN
import Torch

extension LinearProbe {
    /// What a trained probe reached.
    public struct Result {
        /// After the last epoch.
        public let final: EvaluationStatistics
        /// The best accuracy on the test features after any epoch, as the published logs report it.
        public let best: Accuracy
    }

    /// Trains and tests a linear classifier on features; on those of one extraction it takes seconds.
    ///
    /// Batches are drawn anew in every epoch; what is left of the last one is dropped, as the
    /// published loaders do. A set smaller than a batch is one batch, at the learning rate of its
    /// size.
    ///
    /// - Parameters:
    ///   - train: at least two.
    ///   - test: of the same width.
    ///   - config: of the training.
    ///   - seed: of the initial weights and the order.
    ///   - store: keeps the probe after an epoch, and has perhaps kept it before.
    ///   - progress: is told the epoch and its numbers.
    /// - Returns: the scores on the test features.
    /// - Throws: `EvaluationError` for features that cannot be trained on; `ConfigurationError` where an
    ///   epoch would have no step.
    public static func run(
        train: some ProbeFeatures, test: Features, _ config: Config = Config(), seed: UInt64 = 0,
        store: ProbeStore? = nil,
        progress: (Int, TrainingStatistics, EvaluationStatistics) -> Void = { _, _, _ in }
    ) throws -> Result {
        try EvaluationError.check(train: train, test: test)
        guard train.count > 1 else {
            throw EvaluationError("one training feature cannot be normalised; give more")
        }
        var config = config
        config.batch = min(config.batch, train.count)
        let classCount = max(train.classCount, test.classCount)
        let head = ProbeHead.make(
            width: train.width, classCount: classCount, start: config.start,
            generator: Generator(seed: seed))
        head.move(to: train.device)
        let probe = try LinearProbe(head, config)
        let testLabels = test.labelTensor
        let testBatches = stride(from: 0, to: test.count, by: 4096).map { start -> Batch in
            let rows = start..<min(start + 4096, test.count)
            return (test.values[rows], testLabels[rows])
        }
        let batchCount = train.count / config.batch
        guard batchCount >= config.accumulation else {
            throw ConfigurationError.invalid(
                "protocol.accumulation", found: config.accumulation,
                expected: "at most \(batchCount), the batches of an epoch",
                advice: "\(train.count) pictures make \(batchCount) of \(config.batch)")
        }
        let best = Tensor.zeros([2], dtype: .float64)  // top-1 and top-5
        var last: EvaluationStatistics?
        let state = StoredLinearProbe(
            trained: StoredHeads(heads: [head], optimizer: probe.optimizer), best: best)
        let done = try store?.restore(state) ?? 0
        for epoch in done..<config.epochs {
            let next = try train.batches(epoch: epoch, of: config.batch, seed: seed)
            let trained = try probe.trainEpoch(batchCount: batchCount, epoch: epoch, next: next)
            let tested = probe.evaluate(testBatches)
            progress(epoch, trained, tested)
            if tested.accuracy.top1 >= best[0].item {
                best.copyInPlace(Tensor([tested.accuracy.top1, tested.accuracy.top5]))
            }
            last = tested
            // After the last epoch there is nothing to go on with.
            if epoch + 1 < config.epochs { try store?.save(state, epochs: epoch + 1) }
        }
        store?.finish()
        guard let last else { fatalError("a probe of no epochs") }
        return Result(final: last, best: Accuracy(top1: best[0].item, top5: best[1].item))
    }
}

private struct StoredLinearProbe: StoredProbe {
    let trained: StoredHeads
    let best: Tensor

    var stored: [(name: String, tensor: Tensor)] { trained.stored + [("best", best)] }

    func load(_ tensors: StoredTensors) throws {
        try trained.load(tensors)
        try tensors.copy("best", to: best)
    }
}

extension LinearProbe {
    /// Top-1 and top-5 after the last epoch, as `scores.json` keeps them, with the best top-1 of any epoch.
    public static func scores(
        train: some ProbeFeatures, test: Features, _ config: Config = Config(), seed: UInt64 = 0,
        store: ProbeStore? = nil
    ) throws -> [Score] {
        let result = try run(train: train, test: test, config, seed: seed, store: store)
        var settings: [String: Score.Setting] = [
            "optimizer": .text(config.optimizer.rawValue),
            "baseLearningRate": .number(config.baseLearningRate),
            "minLearningRate": .number(config.minLearningRate),
            "batch": .number(Double(min(config.batch, train.count))),
            "accumulation": .number(Double(config.accumulation)),
            "epochs": .number(Double(config.epochs)),
            "warmupEpochs": .number(config.warmupEpochs),
            "weightDecay": .number(config.weightDecay), "start": .text(config.start.rawValue),
            "seed": .number(Double(seed)), "bestTop1": .number(result.best.top1),
        ]
        // That of LARS is no setting.
        if config.optimizer == .sgd { settings["momentum"] = .number(config.momentum) }
        return Score.pair("linear", result.final.accuracy, settings)
    }
}
