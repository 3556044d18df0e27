public import Configuration
public import NN
public import Optimizers
public import Torch

/// Trains a head on frozen features, as MAE (appendix A.1) and *Beyond [cls]* do.
///
/// 1. learning rate by warm-up and cosine, set at the first batch of each accumulation group
/// 2. cross entropy of the head, divided by the number of batches a group
/// 3. LARS or SGD after each whole group; an incomplete one at the end of an epoch is dropped
///
/// The encoder is not here: batches hold what it made of the pictures.
public final class LinearProbe {
    public struct Config: Configuration, Hashable {
        public var optimizer = Rule.lars
        public var baseLearningRate = 0.1
        public var minLearningRate = 0.0
        public var warmupEpochs = 10.0
        public var epochs = 90
        public var batch = 16384
        public var accumulation = 1
        public var weightDecay = 0.0
        public var momentum = 0.0
        public var start = ProbeHead.Start.narrow

        public init() {}

        public static var documentation: [String: String] {
            [
                "optimizer": "lars or sgd",
                "baseLearningRate": "at 256 pictures a step",
                "minLearningRate": "where the cosine ends",
                "warmupEpochs": "in which the learning rate rises from 0",
                "epochs": "of training; 50 for MAE's ViT-L and ViT-H",
                "batch": "pictures; fewer where there are fewer",
                "accumulation": "batches a step; a group that an epoch does not fill is dropped",
                "weightDecay": "of the linear layer",
                "momentum": "of sgd; lars has 0.9",
                "start":
                    "of the linear layer: narrow, deviation 0.01 without bias (MAE), or uniform on "
                    + "±1/√D (Beyond [cls])",
            ]
        }

        public func validate() throws {
            for (key, value) in [
                ("epochs", epochs), ("batch", batch), ("accumulation", accumulation),
            ] { try check(value > 0, key, value, expected: "a positive number") }
            try check(
                baseLearningRate > 0, "baseLearningRate", baseLearningRate,
                expected: "a positive number")
            try Self.check(warmupEpochs: warmupEpochs, of: epochs)
        }

        /// Throws `ConfigurationError` for a rise that would not end within the training.
        static func check(warmupEpochs: Double, of epochs: Int) throws {
            guard (0...Double(epochs)).contains(warmupEpochs) else {
                throw ConfigurationError.invalid(
                    "warmupEpochs", found: warmupEpochs, expected: "from 0 to epochs, \(epochs)")
            }
        }

        /// The peak of the learning rate.
        public var learningRate: Double {
            scaledLearningRate(base: baseLearningRate, batch: batch, accumulation: accumulation)
        }
    }

    public enum Rule: String, Codable, Sendable, CaseIterable {
        case lars
        case sgd
    }

    /// What the encoder made of a batch, and the class numbers `[B]`.
    public typealias Batch = (features: Tensor, labels: Tensor)

    public let head: Sequential
    public let config: Config
    public let optimizer: any Optimizer
    private let schedule: WarmupSchedule

    /// A probe of a head that lies on its device.
    public init(_ head: Sequential, _ config: Config) throws {
        try config.validate()
        self.head = head
        self.config = config
        let group = [ParameterGroup(head.namedParameters)]
        optimizer =
            config.optimizer == .lars ? LARS(group) : SGD(group, momentum: config.momentum)
        schedule = WarmupSchedule(
            peak: config.learningRate, end: config.minLearningRate,
            warmupEpochs: config.warmupEpochs, epochs: Double(config.epochs))
    }

    /// What an epoch of training logs; averages are over batches, whatever their size.
    public struct TrainingStatistics: Sendable {
        /// Of each batch.
        public let losses: [Double]
        /// The Euclidean norm of all gradients at each step.
        public let gradientNorms: [Double]
        public let loss: Double
        public let accuracy: Accuracy
        public let learningRate: Double
    }

    /// Trains for one epoch.
    ///
    /// - Parameters:
    ///   - batches: `batchCount` of them.
    ///   - batchCount: the length of an epoch, for the schedule.
    ///   - epoch: counted from 0.
    /// - Returns: losses, norms and averages.
    public func trainEpoch(_ batches: some Sequence<Batch>, batchCount: Int, epoch: Int)
        -> TrainingStatistics
    {
        var batches = batches.makeIterator()
        return trainEpoch(batchCount: batchCount, epoch: epoch) { batches.next() }
    }

    /// The same with batches that may fail to come.
    func trainEpoch(batchCount: Int, epoch: Int, next: () throws -> Batch?) rethrows
        -> TrainingStatistics
    {
        head.train()
        optimizer.clearGradients()
        var logged: [Tensor] = []
        var norms: [Tensor] = []
        var rates: [Double] = []
        while let batch = try next() {
            let index = rates.count
            // The rate of a group is that of its first batch.
            let position = index - index % config.accumulation
            let rate = schedule.value(
                at: Double(epoch) + Double(position) / Double(batchCount))
            let logits = head(batch.features)
            let loss = logits.crossEntropy(batch.labels)
            (loss / Double(config.accumulation)).backward()
            if (index + 1) % config.accumulation == 0 {
                norms.append(GradientClipping.globalNorm(optimizer.gradients))
                optimizer.step(learningRate: rate, weightDecay: config.weightDecay)
                optimizer.clearGradients()
            }
            rates.append(rate)
            logged.append(Self.measure(logits, loss, batch.labels))
        }
        let rows = Self.rows(logged)
        let mean = Self.mean(rows)
        return TrainingStatistics(
            losses: rows.map { $0[0] }, gradientNorms: norms.map(\.item), loss: mean[0],
            accuracy: Accuracy(top1: mean[1], top5: mean[2]),
            learningRate: rates.reduce(0, +) / Double(rates.count))
    }

    /// What an evaluation logs.
    public struct EvaluationStatistics: Sendable {
        /// The mean of the batches' losses, whatever their size: the published quirk.
        public let loss: Double
        /// The mean over all pictures.
        public let meanLoss: Double
        public let accuracy: Accuracy
        /// The most likely class of each picture.
        public let predictions: [Int]
    }

    /// Loss and accuracy of the head in evaluation mode.
    public func evaluate(_ batches: some Sequence<Batch>) -> EvaluationStatistics {
        head.evaluate()
        return noGrad {
            var logged: [Tensor] = []
            var predictions: [Tensor] = []
            var weights: [Double] = []
            for batch in batches {
                let logits = head(batch.features)
                logged.append(
                    Self.measure(logits, logits.crossEntropy(batch.labels), batch.labels))
                predictions.append(logits.argmax(1))
                weights.append(Double(batch.labels.count))
            }
            let rows = Self.rows(logged)
            let weighted = Self.mean(rows, weights: weights)
            return EvaluationStatistics(
                loss: Self.mean(rows)[0], meanLoss: weighted[0],
                accuracy: Accuracy(top1: weighted[1], top5: weighted[2]),
                predictions: predictions.isEmpty ? [] : concatenated(predictions, 0).values())
        }
    }

    /// Loss and both accuracies of a batch, `[3]`, left on the device.
    private static func measure(_ logits: Tensor, _ loss: Tensor, _ labels: Tensor) -> Tensor {
        noGrad {
            let percents = Accuracy.percents(scores: logits.detached(), labels: labels)
            return concatenated(
                [loss.detached().to(dtype: .float64).reshaped(1), percents], 0)
        }
    }

    private static func rows(_ logged: [Tensor]) -> [[Double]] { logged.map { $0.values() } }

    private static func mean(_ rows: [[Double]], weights: [Double]? = nil) -> [Double] {
        let weights = weights ?? rows.map { _ in 1 }
        let total = weights.reduce(0, +)
        return (0..<3).map { column in
            zip(rows, weights).reduce(0) { $0 + $1.0[column] * $1.1 } / total
        }
    }
}
