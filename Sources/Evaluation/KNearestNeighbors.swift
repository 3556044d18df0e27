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
        public var neighbors = [10, 20, 100, 200]
        public var temperature = 0.07

        public init() {}

        public static var documentation: [String: String] {
            [
                "neighbors": "every k to score",
                "temperature": "T, which cosines are divided by before their exponential votes",
            ]
        }

        public func validate() throws {
            guard !neighbors.isEmpty, neighbors.allSatisfy({ $0 > 0 }) else {
                throw ConfigurationError.invalid(
                    "neighbors", found: neighbors, expected: "positive numbers")
            }
            guard temperature >= 0.002 else {
                throw ConfigurationError.invalid(
                    "temperature", found: temperature, expected: "0.002 or more",
                    advice: "below, exp(1 / T) is beyond what numbers hold")
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
                    + "lower protocol.neighbors (knn.neighbors of `evaluate all`) or give more "
                    + "training pictures")
        }
        self.config = config
        features = noGrad { train.values.normalized() }
        labels = train.labelTensor
        classCount = train.classCount
    }

    /// The accuracy on test features for every k of the configuration, in its order.
    public func evaluate(_ test: Features) throws -> [(k: Int, accuracy: Accuracy)] {
        try ranks(test).map { ($0.k, $0.ranks.accuracy) }
    }

    /// Where the right class of each test feature comes by votes, for every k of the configuration.
    ///
    /// A class without a vote comes behind all others: it is none of the first five, even if only four
    /// have one.
    public func ranks(_ test: Features) throws -> [(k: Int, ranks: TestRanks)] {
        guard test.count > 0 else { throw EvaluationError("there are no test features") }
        let targets = test.labelTensor
        let classes = Swift.max(classCount, test.classCount)
        var found: [[Int]] = config.neighbors.map { _ in [] }
        noGrad {
            let last = Tensor.full(
                [], Double(Swift.max(classes, 5)), dtype: .int64, device: targets.device)
            for rows in chunks(of: test.count) {
                let votes = votes(for: test.values[rows], classCount: classes)
                let labels = targets[rows]
                for (index, votes) in votes.enumerated() {
                    let hasVotes = votes.gathered(labels.unsqueezed(1), 1).squeezed(1) .> 0
                    let ranks = Accuracy.ranks(scores: votes, labels: labels)
                    found[index] += TestRanks(hasVotes.select(ranks, else: last)).values
                }
            }
        }
        return zip(config.neighbors, found).map { ($0, TestRanks($1)) }
    }

    /// The most similar training features of each row: cosines and indices, `[M, k]` both.
    func neighbors(of values: Tensor, _ k: Int) -> (similarities: Tensor, indices: Tensor) {
        // A linear layer whose weights are the training features.
        let found = Self.largest(values.normalized().linear(features, nil), k)
        return (found.values, found.indices)
    }

    /// The k largest of each row `[M, N]` with their places, the largest first.
    ///
    /// A row is cut into g parts of G numbers; of all numbers at one place of the parts the largest is
    /// found, G of them. The k largest of all lie at k of these places, since any other place has k
    /// numbers of others above all of its own: only those and what g does not divide are sorted.
    static func largest(_ x: Tensor, _ k: Int) -> (values: Tensor, indices: Tensor) {
        let (rows, count) = x.shape2
        let parts = Int((Double(count) / Double(k)).squareRoot())  // g
        guard parts >= 8 else { return x.topK(k) }
        let length = count / parts  // G
        let places = x[0..., ..<(parts * length)].reshaped(rows, parts, length).maximum(over: 1)
            .topK(k).indices  // [M, k]
        let steps = Tensor.range(0..<parts * length, by: length, device: x.device)
            .reshaped(1, parts, 1)
        var candidates = (places.unsqueezed(1) + steps).flattened(1)  // [M, g · k]
        if parts * length < count {
            let rest = Tensor.range(parts * length..<count, device: x.device).unsqueezed(0)
            candidates = concatenated([candidates, rest.expanded([rows, rest.count])], 1)
        }
        let found = x.gathered(candidates, 1).topK(k)
        return (found.values, candidates.gathered(found.indices, 1))
    }

    /// The votes `[M, K]` for every k, in the order of the configuration.
    func votes(for values: Tensor, classCount: Int) -> [Tensor] {
        let largest = config.neighbors.max() ?? 0
        let (similarities, indices) = neighbors(of: values, largest)  // [M, k]
        // In fp32 e^(s/T) ends at s = 88 T.
        let weights = (similarities.to(dtype: .float64) / config.temperature).exp()
        let classes = labels.selecting(indices.flattened(), 0).reshaped(indices.shape)
        let none = Tensor.zeros(
            [values.shape[0], classCount], dtype: .float64, device: values.device)
        return config.neighbors.map { k in
            none.scatterAdding(weights[0..., ..<k], at: classes[0..., ..<k], 1)
        }
    }

    /// Runs of test rows whose similarities to all training features fill some 16 MB.
    private func chunks(of count: Int) -> [Range<Int>] {
        let size = Swift.max(1, (1 << 22) / Swift.max(features.shape[0], 1))
        return stride(from: 0, to: count, by: size).map { $0..<Swift.min($0 + size, count) }
    }
}

extension KNearestNeighbors {
    /// Top-1 and top-5 for every k, as `scores.json` keeps them.
    ///
    /// The seed is that of the intervals.
    public static func scores(
        train: Features, test: Features, _ config: Config = Config(), seed: UInt64 = 0
    ) throws -> [Score] {
        try EvaluationError.check(train: train, test: test)
        let found = try KNearestNeighbors(train, config).ranks(test)
        return Score.pairs(
            "knn",
            found.map { k, ranks in
                (
                    ranks,
                    ["k": .number(Double(k)), "temperature": .number(config.temperature)]
                )
            }, Bootstrap(seed: seed))
    }
}
