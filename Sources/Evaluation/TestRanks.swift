public import Torch

/// Where the right class of each test picture comes among all classes, of which accuracies and their
/// uncertainty are made.
public struct TestRanks: Sendable, Equatable {
    /// How many classes come before the right one, for each of M pictures.
    public let values: [Int]

    public init(_ values: [Int]) { self.values = values }

    /// The ranks by scores `[M, K]`, the larger the more likely, for class numbers `[M]`.
    public init(scores: Tensor, labels: Tensor) {
        self.init(Accuracy.ranks(scores: scores, labels: labels))
    }

    /// Ranks that were computed, `[M]` of int64.
    init(_ ranks: Tensor) { values = ranks.to(.cpu).values(as: Int64.self).map(Int.init) }

    /// In percent of the pictures, of which there is at least one.
    public var accuracy: Accuracy {
        require(!values.isEmpty, "the accuracy of no pictures")
        func percent(_ limit: Int) -> Double {
            100 * Double(values.count { $0 < limit }) / Double(values.count)
        }
        return Accuracy(top1: percent(1), top5: percent(5))
    }
}
