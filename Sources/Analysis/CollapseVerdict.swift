public import Training

/// What the log of a run says of the danger of self-distillation: an encoder that gives every picture
/// the same features has no loss at all.
///
/// The loss cannot tell: in healthy runs of I-JEPA it falls, rises for long and falls slowly, because
/// the targets become richer; in collapsed ones it goes to 0. The rank of the features and the spread
/// of the targets can.
public struct CollapseVerdict: Sendable, Hashable {
    public enum State: String, Sendable {
        case healthy
        case shrinking
        case collapsed
    }

    public let state: State
    /// What was seen, in a sentence.
    public let finding: String
    /// What to try; empty for a healthy run.
    public let advice: String

    /// The judgement of a run's log so far; nil where it holds neither rank nor spread.
    ///
    /// - Parameters:
    ///   - metrics: `metrics.jsonl`, the oldest first.
    ///   - width: of the features.
    public init?(_ metrics: [MetricsRecord], width: Int) {
        let ranks = metrics.compactMap { $0["rank_me"] }
        let spreads = metrics.compactMap { $0["feature_spread"] }
        let targets = metrics.compactMap { $0["target_std"] }
        guard let judged = Self.judge(ranks, spreads, targets, width) else { return nil }
        (state, finding) = judged
        advice =
            state == .healthy
            ? ""
            : "lower optim.lr or lengthen schedule.warmupEpochs, raise the first of method.momentum, "
                + "or give the context more patches (method.masks); loss near 0 with it is no success"
    }

    /// What useful features have at least: a part of the width as rank, deviations of targets and
    /// features from picture to picture.
    ///
    /// Random weights have more of each.
    private static let least = (rank: 0.02, targets: 0.02, spread: 0.003)

    private static func judge(
        _ ranks: [Double], _ spreads: [Double], _ targets: [Double], _ width: Int
    ) -> (State, String)? {
        func text(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
        for (what, values, least) in [
            ("targets", targets, least.targets), ("features", spreads, least.spread),
        ] {
            guard let last = values.last, last < least else { continue }
            return (
                .collapsed,
                "\(what) of different pictures differ by a deviation of \(text(last)) only"
            )
        }
        if let rank = ranks.last {
            guard rank >= max(2, least.rank * Double(width)) else {
                return (.collapsed, "the features' rank is \(text(rank)) of \(width)")
            }
            // Features of random weights have no meaning: the peak counts once a run has begun.
            if let peak = ranks.dropFirst().max(), rank < 0.5 * peak {
                return (
                    .shrinking,
                    "the features' rank has fallen from \(text(peak)) to \(text(rank)) of \(width)"
                )
            }
            return (.healthy, "the features' rank is \(text(rank)) of \(width)")
        }
        guard let last = targets.last, let peak = targets.max() else { return nil }
        return last < 0.3 * peak
            ? (
                .shrinking,
                "the deviation of targets has fallen from \(text(peak)) to \(text(last))"
            )
            : (.healthy, "targets of different pictures differ by a deviation of \(text(last))")
    }
}
