public import Configuration
import NN
import Optimizers
import Torch

/// Many read-outs and learning rates, trained at once on one pass of a frozen encoder.
///
/// The way in which Przewięźlikowski et al., *Beyond [cls]* (2025), and Psomas et al., *Attention,
/// Please!* (2025), compare them.
///
/// 1. all tokens of a block, once for a batch
/// 2. every read-out with every learning rate: pooling, batch normalisation, linear classifier
/// 3. L = the sum of their cross entropies: no head knows of the others
/// 4. LARS, SGD or AdamW; warm-up and cosine
public final class ReadOutProbes {
    public struct Config: Configuration, Hashable {
        public var readOuts: [ReadOutKind] = [.mean, .abmilp, .ep, .attentive]
        public var settings = ReadOutSettings()
        public var optimizer = Rule.lars
        public var baseLearningRate = 0.1
        public var rateFactors = [1.0]
        public var minLearningRate = 0.0
        public var warmupEpochs = 10.0
        public var epochs = 90
        public var batch = 16384
        public var weightDecay = 0.0

        public init() {}

        public static var documentation: [String: String] {
            [
                "readOuts":
                    "what is trained, at once: cls, mean, clsAndMean, abmilp, ep, simpool, "
                    + "esimpool, attentive, aim, cae",
                "settings": "of the read-outs", "optimizer": "lars, sgd or adamw",
                "baseLearningRate": "at 256 pictures a step",
                "rateFactors": "a copy of every read-out for each, at so many times the rate",
                "minLearningRate": "where the cosine ends",
                "warmupEpochs": "in which the learning rate rises from 0",
                "epochs": "of training",
                "batch": "pictures a step; fewer where there are fewer",
                "weightDecay": "of all that is trained",
            ]
        }

        public func validate() throws {
            guard !readOuts.isEmpty, Set(readOuts).count == readOuts.count else {
                throw ConfigurationError.invalid(
                    "readOuts", found: "\(readOuts.map(\.rawValue))",
                    expected: "read-outs, each once")
            }
            guard !rateFactors.isEmpty, rateFactors.allSatisfy({ $0 > 0 && $0.isFinite }) else {
                throw ConfigurationError.invalid(
                    "rateFactors", found: "\(rateFactors)", expected: "positive numbers")
            }
            guard baseLearningRate > 0 else {
                throw ConfigurationError.invalid(
                    "baseLearningRate", found: baseLearningRate, expected: "a positive number")
            }
            for (key, value) in [("batch", batch), ("epochs", epochs)] where value <= 0 {
                throw ConfigurationError.invalid(key, found: value, expected: "a positive number")
            }
            try LinearProbe.Config.check(warmupEpochs: warmupEpochs, of: epochs)
        }

        /// Throws `ConfigurationError` for read-outs that tokens of a form do not have, before any is
        /// extracted.
        public func validate(on form: TokenForm) throws {
            try validate()
            guard !readOuts.contains(.ep) || form.width % settings.outputDivisor == 0 else {
                throw ConfigurationError.invalid(
                    "settings.outputDivisor", found: settings.outputDivisor,
                    expected: "a divisor of the width, \(form.width)")
            }
            guard let kind = readOuts.first(where: \.needsClassToken), !form.hasClassToken else {
                return
            }
            throw ConfigurationError.invalid(
                "readOuts", found: kind.rawValue,
                expected: "no \(kind.rawValue): the encoder has no class token")
        }
    }

    public enum Rule: String, Codable, Sendable, CaseIterable {
        case lars
        case sgd
        case adamw
    }

    /// A read-out with a learning rate, and how it did.
    public struct Result: Sendable {
        public let kind: ReadOutKind
        public let rateFactor: Double
        /// Trained numbers, the classifier's included.
        public let parameterCount: Int
        public let accuracy: Accuracy
    }

    private struct Probe {
        let kind: ReadOutKind
        let rateFactor: Double
        let head: ReadOutHead
    }

    private let probes: [Probe]
    private let optimizer: any Optimizer
    private let form: TokenForm

    private init(
        _ config: Config, on form: TokenForm, classCount: Int, device: Device, seed: UInt64
    ) throws {
        self.form = form
        let made = try config.readOuts.flatMap { kind in
            try config.rateFactors.map { factor in
                // Copies start alike, so that only the rate tells them apart.
                Probe(
                    kind: kind, rateFactor: factor,
                    head: try ReadOutHead(
                        kind, on: form, config.settings, classCount: classCount,
                        generator: Generator(seed: seed)))
            }
        }
        for probe in made { probe.head.move(to: device) }
        let groups = made.enumerated().map { index, probe in
            ParameterGroup(
                probe.head.namedParameters.filter { $0.tensor.requiresGrad }
                    .map { ("\(index).\($0.name)", $0.tensor) },
                learningRateScale: probe.rateFactor)
        }
        probes = made
        optimizer =
            switch config.optimizer {
            case .lars: LARS(groups)
            case .sgd: SGD(groups, momentum: 0.9)
            case .adamw: AdamW(groups)
            }
    }

    /// One step of every head, on tokens laid side by side, `[B, T · D]`.
    private func step(_ batch: LinearProbe.Batch, rate: Double, decay: Double) {
        let tokens = tokens(batch.features)
        // One after another: the activations of a single head are in memory.
        for probe in probes { probe.head(tokens).crossEntropy(batch.labels).backward() }
        optimizer.step(learningRate: rate, weightDecay: decay)
        optimizer.clearGradients()
    }

    private func tokens(_ features: Tensor) -> Tensor {
        features.reshaped(features.shape[0], form.tokenCount, form.width)
    }

    private func results(on test: Features) -> [Result] {
        probes.map { probe in
            probe.head.evaluate()
            defer { probe.head.train() }
            let scores = noGrad {
                concatenated(
                    stride(from: 0, to: test.count, by: 4096).map { start in
                        probe.head(tokens(test.values[start..<min(start + 4096, test.count)]))
                    }, 0)
            }
            return Result(
                kind: probe.kind, rateFactor: probe.rateFactor,
                parameterCount: probe.head.namedParameters.reduce(0) {
                    $0 + ($1.tensor.requiresGrad ? $1.tensor.count : 0)
                },
                accuracy: Accuracy(scores: scores, labels: test.labelTensor))
        }
    }
}

extension ReadOutProbes {
    /// Trains and tests all read-outs.
    ///
    /// - Parameters:
    ///   - train: all tokens of each picture side by side, `FeatureExtractor.TokenChoice.all`.
    ///   - test: of the same form.
    ///   - form: of the tokens.
    ///   - config: of the training.
    ///   - seed: of the initial weights and the order.
    ///   - store: keeps the read-outs after an epoch, and has perhaps kept them before.
    ///   - progress: is told the epochs done.
    /// - Returns: the results in the order of the settings, all rates of a read-out together.
    /// - Throws: `EvaluationError` for features that cannot be trained on or are not all tokens,
    ///   `ConfigurationError` for read-outs that do not fit them.
    public static func run(
        train: some ProbeFeatures, test: Features, form: TokenForm, _ config: Config = Config(),
        seed: UInt64 = 0, store: ProbeStore? = nil, progress: (Int) -> Void = { _ in }
    ) throws -> [Result] {
        try config.validate(on: form)
        try EvaluationError.check(train: train, test: test)
        guard train.width == form.tokenCount * form.width else {
            throw EvaluationError(
                "features of \(train.width) numbers are not \(form.tokenCount) tokens of "
                    + "\(form.width)")
        }
        let probes = try ReadOutProbes(
            config, on: form, classCount: max(train.classCount, test.classCount),
            device: train.device, seed: seed)
        let batch = min(config.batch, train.count)
        let schedule = WarmupSchedule(
            peak: scaledLearningRate(base: config.baseLearningRate, batch: batch),
            end: config.minLearningRate, warmupEpochs: config.warmupEpochs,
            epochs: Double(config.epochs))
        let steps = Double(train.count / batch)
        let state = StoredHeads(heads: probes.probes.map(\.head), optimizer: probes.optimizer)
        let done = try store?.restore(state) ?? 0
        for epoch in done..<config.epochs {
            let next = try train.batches(epoch: epoch, of: batch, seed: seed)
            var index = 0.0
            while let batch = try next() {
                let rate = schedule.value(at: Double(epoch) + index / steps)
                probes.step(batch, rate: rate, decay: config.weightDecay)
                index += 1
            }
            try store?.save(state, epochs: epoch + 1)
            progress(epoch + 1)
        }
        let results = probes.results(on: test)
        store?.finish()
        return results
    }

    /// Top-1 and top-5 of every read-out at its best rate, as `scores.json` keeps them; the rate is chosen
    /// on the test set, as published tables do.
    public static func scores(
        train: some ProbeFeatures, test: Features, form: TokenForm, _ config: Config = Config(),
        seed: UInt64 = 0, store: ProbeStore? = nil, progress: (Int) -> Void = { _ in }
    ) throws -> [Score] {
        let results = try run(
            train: train, test: test, form: form, config, seed: seed, store: store,
            progress: progress)
        return try config.readOuts.flatMap { kind -> [Score] in
            let own = results.filter { $0.kind == kind }
            guard let best = own.max(by: { $0.accuracy.top1 < $1.accuracy.top1 }) else { return [] }
            var settings: [String: Score.Setting] = [
                "readOut": .text(kind.rawValue),
                "optimizer": .text(config.optimizer.rawValue),
                "baseLearningRate": .number(config.baseLearningRate * best.rateFactor),
                "batch": .number(Double(min(config.batch, train.count))),
                "epochs": .number(Double(config.epochs)),
                "minLearningRate": .number(config.minLearningRate),
                "warmupEpochs": .number(config.warmupEpochs),
                "weightDecay": .number(config.weightDecay), "seed": .number(Double(seed)),
                "parameters": .number(Double(best.parameterCount)),
            ]
            settings.merge(try config.settings.card(kind, width: form.width)) { own, _ in own }
            for result in own where own.count > 1 {
                settings["top1 at lr × \(result.rateFactor)"] = .number(result.accuracy.top1)
            }
            return Score.pair("readout", best.accuracy, settings)
        }
    }
}
