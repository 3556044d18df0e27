public import Torch

/// Loss, top-1 and top-5 of a classifier, averaged over all pictures.
///
/// With real labels a picture counts as right where one of its classes is among the first k, and
/// pictures without any are left out; the loss is then not known.
public struct ClassifierScores: Sendable {
    private var lossSum = 0.0
    private var hits1 = 0
    private var hits5 = 0
    /// Pictures that count.
    public private(set) var count = 0
    private var isLossKnown = true

    public init() {}

    /// Mean cross entropy; nil with real labels.
    public var loss: Double? { isLossKnown && count > 0 ? lossSum / Double(count) : nil }

    /// Percent.
    public var top1: Double { percent(hits1) }
    public var top5: Double { percent(hits5) }

    private func percent(_ hits: Int) -> Double {
        count > 0 ? 100 * Double(hits) / Double(count) : .nan
    }

    /// Adds a batch.
    ///
    /// - Parameters:
    ///   - logits: `[B, K]`.
    ///   - labels: B class numbers below K.
    public mutating func update(_ logits: Tensor, labels: [Int]) {
        guard !labels.isEmpty else { return }
        let targets = Tensor(labels).to(logits.device)
        let scores = logits.to(dtype: .float32)
        lossSum += Double(scores.crossEntropy(targets).item) * Double(labels.count)
        let ranks = Accuracy.ranks(scores: scores, labels: targets).to(.cpu).values(as: Int64.self)
        hits1 += ranks.count { $0 < 1 }
        hits5 += ranks.count { $0 < 5 }
        count += labels.count
    }

    /// Adds a batch whose pictures have several right classes each, or none.
    ///
    /// - Parameters:
    ///   - logits: `[B, K]`.
    ///   - real: B sets of class numbers.
    ///   - classes: what the columns stand for; nil for 0..<K.
    public mutating func update(_ logits: Tensor, real: [Set<Int>], classes: [Int]? = nil) {
        isLossKnown = false
        guard !real.isEmpty else { return }
        let columns = logits.shape[1]
        let first = logits.to(dtype: .float32).topK(min(5, columns)).indices.to(.cpu)
            .values(as: Int64.self)
        let depth = min(5, columns)
        for (row, right) in real.enumerated() where !right.isEmpty {
            let predicted = first[row * depth..<(row + 1) * depth].map { column in
                classes?[Int(column)] ?? Int(column)
            }
            if right.contains(predicted[0]) { hits1 += 1 }
            if predicted.contains(where: right.contains) { hits5 += 1 }
            count += 1
        }
    }
}

extension Accuracy {
    /// The part of tokens that are predicted right, 0 to 1.
    ///
    /// - Parameters:
    ///   - logits: `[B, K, N]`.
    ///   - targets: `[B, N]` token numbers.
    ///   - ignored: a number that stands for no token; those places do not count.
    /// - Returns: right ones over all that count; 0 where none does.
    public static func ofTokens(_ logits: Tensor, targets: Tensor, ignoring ignored: Int) -> Double
    {
        let predicted = logits.argmax(1).to(.cpu).values(as: Int64.self)
        let right = targets.to(.cpu).to(dtype: .int64).values(as: Int64.self)
        let count = right.count { $0 != Int64(ignored) }
        let hits = zip(predicted, right).count { $0 == $1 }
        return count > 0 ? Double(hits) / Double(count) : 0
    }
}
