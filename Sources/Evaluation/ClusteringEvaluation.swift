public import Configuration
public import Torch

/// How well an encoder tells classes apart that nobody named: the unsupervised classification of iBOT (2022),
/// section 4.2.
///
/// 1. a cluster for each test picture: the prototype that its head likes best, or the nearest of k means of
///    the features
/// 2. NMI, ARI, Fowlkes-Mallows, and the accuracy of the best one-to-one naming of clusters
public struct ClusteringEvaluation {
    public struct Config: Configuration, Hashable {
        public var clusters: Int? = nil
        public var normalizes = true
        public var starts = 3
        public var maxIterations = 300

        public init() {}

        public static var documentation: [String: String] {
            [
                "clusters": "of k-means; null for as many as there are classes",
                "normalizes": "whether features have unit length before k-means",
                "starts": "of k-means, of which the one with the nearest centres counts",
                "maxIterations": "of k-means, from each start",
            ]
        }

        public func validate() throws {
            for (key, value) in [
                ("clusters", clusters ?? 1), ("starts", starts), ("maxIterations", maxIterations),
            ] where value <= 0 {
                throw ConfigurationError.invalid(key, found: value, expected: "a positive number")
            }
        }
    }

    /// The agreement of k means of test features with their classes.
    ///
    /// The seed is that of the means to begin with. `EvaluationError` for features that cannot be clustered.
    public static func means(
        _ test: Features, _ config: Config = Config(), seed: UInt64 = 0
    ) throws -> (scores: ClusterScores, clusters: Int, inertia: Double) {
        try config.validate()
        try EvaluationError.check(test, "test")
        let count = config.clusters ?? Set(test.labels).count
        guard count <= test.count else {
            throw EvaluationError(
                "\(count) clusters of \(test.count) test features; lower protocol.clusters "
                    + "(clustering.clusters of `evaluate all`) or give more pictures")
        }
        let values = noGrad { config.normalizes ? test.values.normalized() : test.values }
        let found = KMeans(
            count, starts: config.starts, maxIterations: config.maxIterations, seed: seed)(values)
        return (
            ClusterScores(clusters: found.clusters, labels: test.labels), count, found.inertia
        )
    }

    /// The agreement of a head's favourite prototypes with the classes.
    ///
    /// - Parameters:
    ///   - test: what the head sees.
    ///   - logits: `[B, D] -> [B, prototypes]`.
    /// - Returns: the scores.
    /// - Throws: `EvaluationError` where there are no features, or logits that are not finite.
    public static func prototypes(_ test: Features, logits: (Tensor) -> Tensor) throws
        -> ClusterScores
    {
        try EvaluationError.check(test, "test")
        var clusters: [Int] = []
        for start in stride(from: 0, to: test.count, by: 1024) {
            let part = noGrad { logits(test.values[start..<min(start + 1024, test.count)]) }
            guard part.isFinite().allTrue else {
                throw EvaluationError("the head gives values that are not finite; it is broken")
            }
            clusters += part.argmax(1).to(.cpu).values(as: Int64.self).map(Int.init)
        }
        return ClusterScores(clusters: clusters, labels: test.labels)
    }
}

extension ClusteringEvaluation {
    /// The four numbers of a clustering in percent, as `scores.json` keeps them.
    ///
    /// - Parameters:
    ///   - source: what clustered, `head` or `kmeans`.
    ///   - found: the numbers; the accuracy gets an interval for the naming that was found.
    ///   - settings: that they depend on.
    ///   - seed: of the interval.
    /// - Returns: `acc`, `nmi`, `ari` and `fmi`.
    public static func scores(
        _ source: String, _ found: ClusterScores, _ settings: [String: Score.Setting] = [:],
        seed: UInt64 = 0
    ) -> [Score] {
        let settings = settings.merging(
            [
                "clusteredBy": .text(source), "usedClusters": .number(Double(found.clusterCount)),
                "seed": .number(Double(seed)),
            ]
        ) { own, _ in own }
        return [
            Score(
                protocol: "clustering", metric: "acc", value: 100 * found.accuracy,
                interval: Bootstrap(seed: seed).interval(of: found.hits), settings: settings),
            Score(
                protocol: "clustering", metric: "nmi", value: 100 * found.mutualInformation,
                settings: settings),
            Score(
                protocol: "clustering", metric: "ari", value: 100 * found.adjustedRand,
                settings: settings),
            Score(
                protocol: "clustering", metric: "fmi", value: 100 * found.fowlkesMallows,
                settings: settings),
        ]
    }

    /// The scores of k-means on test features.
    public static func scores(
        test: Features, _ config: Config = Config(), seed: UInt64 = 0
    ) throws -> [Score] {
        let (found, clusters, inertia) = try means(test, config, seed: seed)
        return scores(
            "kmeans", found,
            [
                "clusters": .number(Double(clusters)), "normalizes": .flag(config.normalizes),
                "starts": .number(Double(config.starts)),
                "maxIterations": .number(Double(config.maxIterations)),
                "inertia": .number(inertia),
            ], seed: seed)
    }
}
