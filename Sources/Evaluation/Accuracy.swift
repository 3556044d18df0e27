public import Torch

/// How often the right class is the first, or among the first five, in percent.
public struct Accuracy: Hashable, Sendable {
    public let top1: Double
    public let top5: Double

    public init(top1: Double, top5: Double) {
        self.top1 = top1
        self.top5 = top5
    }

    /// The accuracy of scores `[N, K]`, the larger the more likely, for class numbers `[N]`.
    public init(scores: Tensor, labels: Tensor) {
        let percents = Self.percents(scores: scores, labels: labels).values(as: Double.self)
        self.init(top1: percents[0], top5: percents[1])
    }

    /// Both numbers as a tensor `[2]` of fp64 that has not been waited for.
    static func percents(scores: Tensor, labels: Tensor) -> Tensor {
        let ranks = ranks(scores: scores, labels: labels)
        let hits = stacked([ranks .< 1, ranks .< 5]).sum(1).to(dtype: .float64)
        return hits * 100 / Double(labels.count)
    }

    /// How many classes come before the right one, `[N]` of int64.
    ///
    /// Of equal scores the lower class number comes first, so the result is one whatever the order
    /// of computation; a sort would leave it open. A right class whose score is no number is not among
    /// the first five: a probe that diverged is right about nothing.
    static func ranks(scores: Tensor, labels: Tensor) -> Tensor {
        let right = labels.unsqueezed(1)  // [N, 1]
        let score = scores.gathered(right, 1)
        let classes = Tensor.range(0..<scores.shape[1], device: scores.device)  // [K]
        let same = score .== scores
        func whole(_ number: Int) -> Tensor {
            Tensor.full([], Double(number), dtype: .int64, device: scores.device)
        }
        let count = scores.shape[1]
        let notAhead = (scores .< score).sum(1) + same.sum(1) - (same .& (classes .< right)).sum(1)
        // A number is not ahead of itself: none at all are where the score is no number.
        return (notAhead .== 0).select(whole(max(count, 5)), else: whole(count) - notAhead)
    }
}
