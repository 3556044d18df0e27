public import Configuration
import NN
import Optimizers
public import Torch

/// Linear probes of the last block and of the last four, trained at once on one pass of features:
/// VISSL's protocol, by which I-JEPA and StoP are scored.
///
/// 1. the feature of a picture is the mean of the final tokens of each of the last blocks, the
///    earliest first (`concatPOOL4`); the last part of it is that of the last block (`lastPOOL`).
///    Of every third block it is VISSL's `stridePOOL_4_3`, which has the last one first
/// 2. for each learning rate and weight decay four heads: both features, with and without batch
///    normalisation
/// 3. L = the sum of their cross entropies: no head knows of the others
/// 4. SGD with Nesterov's momentum, or LARS; the learning rate falls in steps
/// 5. the accuracy of every head, and the best
///
/// The published runs draw random crops in every epoch; features of one extraction are far quicker.
public final class PooledProbes {
    public struct Config: Configuration, Hashable {
        public var optimizer = Rule.sgd
        public var baseLearningRate = 0.01
        public var rateFactors = [1.0]
        public var weightDecays = [5e-4]
        public var batch = 256
        public var epochs = 28
        public var milestones = [8, 16, 24]

        public init() {}

        public static var documentation: [String: String] {
            [
                "optimizer": "sgd with Nesterov's momentum, or lars",
                "baseLearningRate": "at 256 pictures a step; 0.1 with lars for ViT-H",
                "rateFactors":
                    "a set of heads for each, at so many times the rate; 1 and 0.1 for ViT-H",
                "weightDecays": "a set of heads for each; 5e-4 and 0 for ViT-H",
                "batch": "pictures a step; 16384 with lars",
                "epochs": "of training; 50 with lars",
                "milestones": "epochs after which the rate is divided by 10; 15, 30, 45 with lars",
            ]
        }

        public func validate() throws {
            guard baseLearningRate > 0 else {
                throw ConfigurationError.invalid(
                    "baseLearningRate", found: baseLearningRate, expected: "a positive number")
            }
            for (key, value) in [("batch", batch), ("epochs", epochs)]
            where value <= 0 {
                throw ConfigurationError.invalid(key, found: value, expected: "a positive number")
            }
            guard !rateFactors.isEmpty, rateFactors.allSatisfy({ $0 > 0 }) else {
                throw ConfigurationError.invalid(
                    "rateFactors", found: "\(rateFactors)", expected: "positive numbers")
            }
            guard !weightDecays.isEmpty, weightDecays.allSatisfy({ $0 >= 0 }) else {
                throw ConfigurationError.invalid(
                    "weightDecays", found: "\(weightDecays)", expected: "numbers from 0")
            }
        }
    }

    public enum Rule: String, Codable, Sendable, CaseIterable {
        case sgd
        case lars
    }

    /// One head and how it is trained.
    public struct Probe {
        /// Such as `concatPOOL4, batch norm`.
        public let name: String
        public let head: LinearHead
        public let rateFactor: Double
        public let weightDecay: Double

        public init(_ name: String, _ head: LinearHead, rateFactor: Double, weightDecay: Double) {
            self.name = name
            self.head = head
            self.rateFactor = rateFactor
            self.weightDecay = weightDecay
        }
    }

    public let probes: [Probe]
    private let optimizer: any Optimizer

    /// Probes that lie on their device.
    public init(_ probes: [Probe], optimizer rule: Rule) {
        self.probes = probes
        let groups = probes.enumerated().flatMap { index, probe in
            let parameters = probe.head.namedParameters.map { ("\(index).\($0.name)", $0.tensor) }
            return Self.groups(parameters, probe, rule)
        }
        optimizer =
            rule == .sgd
            ? SGD(groups, momentum: 0.9, nesterov: true) : LARS(groups, decaysVectors: true)
    }

    /// SGD spares scale and shift of the normalisation, LARS nothing.
    private static func groups(
        _ parameters: [(name: String, tensor: Tensor)], _ probe: Probe, _ rule: Rule
    ) -> [ParameterGroup] {
        func isSpared(_ name: String) -> Bool { rule == .sgd && name.contains("channel_bn.") }
        return [true, false].map { spared in
            ParameterGroup(
                parameters.filter { isSpared($0.name) == spared },
                learningRateScale: probe.rateFactor,
                weightDecayScale: spared ? 0 : probe.weightDecay)
        }
    }

    /// One step of every head.
    ///
    /// - Parameters:
    ///   - features: `[B, D]`.
    ///   - labels: `[B]` class numbers.
    ///   - learningRate: before the factors.
    /// - Returns: the sum of the losses before the step, a scalar.
    @discardableResult
    public func step(_ features: Tensor, _ labels: Tensor, learningRate: Double) -> Tensor {
        let losses = probes.map { $0.head(features).crossEntropy(labels) }
        let loss = losses.dropFirst().reduce(losses[0], +)
        loss.backward()
        // The groups hold each head's weight decay whole.
        optimizer.step(learningRate: learningRate, weightDecay: 1)
        optimizer.clearGradients()
        return loss.detached()
    }
}

extension PooledProbes {
    /// Trains and tests on features of several blocks side by side.
    ///
    /// - Parameters:
    ///   - train: the earliest block's part first.
    ///   - test: of the same width.
    ///   - blockWidths: of the parts.
    ///   - stride: how far the blocks are apart, for the names of the heads.
    ///   - config: of the training.
    ///   - seed: of the initial weights and the order.
    ///   - store: keeps the heads after an epoch, and has perhaps kept them before.
    /// - Returns: top-1 and top-5 of each head, the best first.
    /// - Throws: `EvaluationError` for features that cannot be trained on, or have other parts.
    public static func run(
        train: some ProbeFeatures, test: Features, blockWidths: [Int], stride: Int = 1,
        _ config: Config = Config(), seed: UInt64 = 0, store: ProbeStore? = nil
    ) throws -> [(name: String, accuracy: Accuracy)] {
        try config.validate()
        try EvaluationError.check(train: train, test: test)
        guard let last = blockWidths.last, train.width == blockWidths.reduce(0, +) else {
            throw EvaluationError(
                "features of \(train.width) numbers are not one part for each of \(blockWidths.count) "
                    + "blocks: take features.tokens=mean, or cls")
        }
        let classCount = max(train.classCount, test.classCount)
        let made = heads(
            config,
            parts: [
                (0..<train.width, name(blocks: blockWidths.count, stride: stride)),
                (train.width - last..<train.width, "lastPOOL"),
            ], classCount: classCount, seed: seed)
        for probe in made { probe.head.move(to: train.device) }
        let sweep = PooledProbes(made, optimizer: config.optimizer)
        let batch = min(config.batch, train.count)
        let state = StoredHeads(heads: made.map(\.head), optimizer: sweep.optimizer)
        let done = try store?.restore(state) ?? 0
        for epoch in done..<config.epochs {
            let falls = config.milestones.count { $0 <= epoch }
            var rate = scaledLearningRate(base: config.baseLearningRate, batch: batch)
            for _ in 0..<falls { rate /= 10 }
            let next = try train.batches(epoch: epoch, of: batch, seed: seed)
            while let (features, labels) = try next() {
                sweep.step(features, labels, learningRate: rate)
            }
            try store?.save(state, epochs: epoch + 1)
        }
        let scores = sweep.accuracies(of: test).sorted { $0.accuracy.top1 > $1.accuracy.top1 }
        store?.finish()
        return scores
    }

    /// VISSL's name of the means of several blocks side by side, with the order where it is another.
    private static func name(blocks: Int, stride: Int) -> String {
        blocks == 1 || stride == 1
            ? "concatPOOL\(blocks)" : "stridePOOL_\(blocks)_\(stride), earliest first"
    }

    private func accuracies(of test: Features) -> [(name: String, accuracy: Accuracy)] {
        probes.map { probe in
            probe.head.evaluate()
            return noGrad {
                (
                    probe.name,
                    Accuracy(scores: probe.head(test.values), labels: test.labelTensor)
                )
            }
        }
    }

    /// Four heads for each factor of the learning rate and each weight decay.
    private static func heads(
        _ config: Config, parts: [(columns: Range<Int>, name: String)], classCount: Int,
        seed: UInt64
    ) -> [Probe] {
        let generator = Generator(seed: seed)
        return config.rateFactors.flatMap { factor in
            config.weightDecays.flatMap { decay in
                parts
                    .flatMap { columns, feature in
                        [true, false].map { normalizes in
                            Probe(
                                feature + (normalizes ? ", batch norm" : "")
                                    + ", lr × \(factor), wd \(decay)",
                                LinearHead(
                                    columns: columns, classCount: classCount,
                                    normalizes: normalizes, generator: generator),
                                rateFactor: factor, weightDecay: decay)
                        }
                    }
            }
        }
    }

    /// Top-1 and top-5 of the best head, and top-1 of every one, as `scores.json` keeps them.
    public static func scores(
        train: some ProbeFeatures, test: Features, blockWidths: [Int], stride: Int = 1,
        _ config: Config = Config(), seed: UInt64 = 0, store: ProbeStore? = nil
    ) throws -> [Score] {
        let results = try run(
            train: train, test: test, blockWidths: blockWidths, stride: stride, config, seed: seed,
            store: store)
        guard let best = results.first else { return [] }
        var settings: [String: Score.Setting] = [
            "optimizer": .text(config.optimizer.rawValue),
            "baseLearningRate": .number(config.baseLearningRate),
            "batch": .number(Double(min(config.batch, train.count))),
            "epochs": .number(Double(config.epochs)),
            "milestones": .text(config.milestones.map { "\($0)" }.joined(separator: " ")),
            "seed": .number(Double(seed)), "head": .text(best.name),
        ]
        for (name, accuracy) in results { settings["top1 of \(name)"] = .number(accuracy.top1) }
        return Score.pair("pooled", best.accuracy, settings)
    }
}
