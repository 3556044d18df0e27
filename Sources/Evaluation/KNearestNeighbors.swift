public import Configuration
import Torch

/// Classification by the most similar training pictures: Wu, Xiong, Yu and Lin, *Unsupervised
/// Feature Learning via Non-Parametric Instance Discrimination* (2018), section 3.4, as DINO and
/// iBOT use it.
///
/// 1. all features at unit length
/// 2. the k training features with the largest cosine s_j
/// 3. vote of class c = Σ exp(s_j / T) over those of class c
///
/// N training features, M test features, K classes, D width.
public struct KNearestNeighbors {
    public struct Config: Configuration, Hashable {
        /// Every k to score.
        public var neighbors = [10, 20, 100, 200]
        /// T.
        public var temperature = 0.07

        public init() {}

        public func validate() throws {
            guard !neighbors.isEmpty, neighbors.allSatisfy({ $0 > 0 }) else {
                throw ConfigurationError.invalid(
                    "neighbors", found: neighbors, expected: "positive numbers")
            }
            guard temperature > 0 else {
                throw ConfigurationError.invalid(
                    "temperature", found: temperature, expected: "a positive number")
            }
        }
    }

    let config: Config
    let features: Tensor  // [N, D], unit length
    let labels: Tensor  // [N]
    let classCount: Int

    /// A classifier by the given training features.
    ///
    /// - Throws: `EvaluationError` where there are fewer features than the largest k.
    public init(_ train: Features, _ config: Config = Config()) throws {
        try config.validate()
        let largest = config.neighbors.max() ?? 0
        guard largest <= train.count else {
            throw EvaluationError(
                "k = \(largest) neighbors, but only \(train.count) training features; "
                    + "lower 'neighbors' or give more training pictures")
        }
        self.config = config
        features = noGrad { train.values.normalized() }
        labels = train.labelTensor
        classCount = train.classCount
    }

    /// The accuracy on test features for every k of the configuration, in its order.
    public func evaluate(_ test: Features) throws -> [(k: Int, accuracy: Accuracy)] {
        guard test.count > 0 else { throw EvaluationError("there are no test features") }
        var correct = config.neighbors.map { _ in (top1: 0.0, top5: 0.0) }  // counts
        let targets = test.labelTensor
        let classes = Swift.max(classCount, test.classCount)
        noGrad {
            for rows in chunks(of: test.count) {
                let votes = votes(for: test.values[rows], classCount: classes)
                for (index, votes) in votes.enumerated() {
                    let labels = targets[rows]
                    let ranks = Accuracy.ranks(scores: votes, labels: labels)
                    // A class without a vote is none of the first five, even if only four have one.
                    let hasVotes = votes.gathered(labels.unsqueezed(1), 1).squeezed(1) .> 0
                    correct[index].top1 += ((ranks .< 1) .& hasVotes).sum().item
                    correct[index].top5 += ((ranks .< 5) .& hasVotes).sum().item
                }
            }
        }
        let percent = 100 / Double(test.count)
        return zip(config.neighbors, correct).map { k, counts in
            (k, Accuracy(top1: counts.top1 * percent, top5: counts.top5 * percent))
        }
    }

    /// The most similar training features of each row: cosines and indices, `[M, k]` both.
    func neighbors(of values: Tensor, _ k: Int) -> (similarities: Tensor, indices: Tensor) {
        // A linear layer whose weights are the training features.
        let found = values.normalized().linear(features, nil).topK(k)
        return (found.values, found.indices)
    }

    /// The votes `[M, K]` for every k, in the order of the configuration.
    func votes(for values: Tensor, classCount: Int) -> [Tensor] {
        let largest = config.neighbors.max() ?? 0
        let (similarities, indices) = neighbors(of: values, largest)  // [M, k]
        let weights = (similarities / config.temperature).exp()
        let classes = labels.selecting(indices.flattened(), 0).reshaped(indices.shape)
        let none = Tensor.zeros([values.shape[0], classCount], device: values.device)
        return config.neighbors.map { k in
            none.scatterAdding(weights[0..., ..<k], at: classes[0..., ..<k], 1)
        }
    }

    /// Runs of test rows whose similarities to all training features fill some 64 MB.
    private func chunks(of count: Int) -> [Range<Int>] {
        let size = Swift.max(1, (1 << 24) / Swift.max(features.shape[0], 1))
        return stride(from: 0, to: count, by: size).map { $0..<Swift.min($0 + size, count) }
    }
}

extension KNearestNeighbors {
    /// Top-1 and top-5 for every k, as `scores.json` keeps them.
    public static func scores(train: Features, test: Features, _ config: Config = Config()) throws
        -> [Score]
    {
        try EvaluationError.check(train: train, test: test)
        return try KNearestNeighbors(train, config).evaluate(test).flatMap { k, accuracy in
            Score.pair(
                "knn", accuracy,
                ["k": .number(Double(k)), "temperature": .number(config.temperature)])
        }
    }
}
