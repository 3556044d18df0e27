public import Training

/// What the log of a run says of the danger of self-distillation: an encoder that gives every picture
/// the same features has no loss at all.
///
/// The loss cannot tell: in healthy runs of I-JEPA it falls, rises for long and falls slowly, because
/// the targets become richer; in collapsed ones it goes to 0. The rank of the features and the spread
/// of the targets can; of DINO and iBOT also the entropy of the teacher's targets and how many prototypes
/// they use. What the loss can tell is whether anything of a picture is predicted at all: it is above 0
/// and below that of who has not seen the picture.
public struct CollapseVerdict: Sendable, Hashable {
    public enum State: String, Sendable {
        case healthy
        case underfit
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
        if let judged = Self.judgeTeacher(metrics) {
            (state, finding, advice) = judged
            return
        }
        guard let judged = Self.judge(ranks, spreads, targets, width) else { return nil }
        if judged.0 == .healthy, let finding = Self.judgeLoss(metrics) {
            (state, self.finding) = (.underfit, finding)
            advice =
                "train for longer; else raise optim.lr or shorten schedule.warmupEpochs, give the context "
                + "more patches (method.masks), or the predictor more blocks (method.predictorDepth)"
            return
        }
        (state, finding) = judged
        advice =
            state == .healthy
            ? ""
            : metrics.contains { $0["teacher_entropy"] != nil }
                ? "lower optim.baseLr or lengthen schedule.warmupEpochs, or keep features apart by "
                    + "method.koLeo=0.1"
                : "lower optim.lr or lengthen schedule.warmupEpochs, raise the first of method.momentum, "
                    + "or give the context more patches (method.masks); loss near 0 with it is no success"
    }

    /// The teacher of DINO and iBOT, where its targets say nothing of a picture, and what to try; nil for
    /// a good one, and for methods without prototypes.
    ///
    /// Temperatures do opposite things to the two ways to collapse: low ones sharpen targets that are
    /// even, and sharpen further those that are all the same.
    private static func judgeTeacher(_ metrics: [MetricsRecord]) -> (State, String, String)? {
        func recent(_ name: String) -> Double? { Self.recent(name, metrics) }
        let slower = "lower optim.baseLr or lengthen schedule.warmupEpochs"
        for (prefix, what, temperature) in [
            ("", "pictures", "method.classTemperature"),
            ("patch_", "patches", "method.patchTemperature"),
        ] {
            let spreading =
                "\(slower), raise \(temperature).end, or set method.centering=sinkhorn, "
                + "method.head.fixesGain=true or a larger data.batchSize"
            guard let entropy = recent(prefix + "teacher_entropy"),
                let kl = recent(prefix + "teacher_kl")
            else { continue }
            if entropy > 0.99, kl < 0.01 {
                return (
                    .collapsed,
                    "the teacher gives all prototypes of \(what) the same probability: the entropy of "
                        + "its targets is \(text(entropy)) of the greatest",
                    "lower \(temperature).end, \(slower), or set method.head.fixesGain=true"
                )
            }
            // Targets that use all prototypes by construction have no such number.
            guard let used = recent(prefix + "prototypes_used") else { continue }
            if used < 1.5 {
                return (
                    .collapsed,
                    "the teacher gives all \(what) one prototype: it uses \(text(used))",
                    spreading
                )
            }
            if used < 3 {
                return (
                    .shrinking, "the teacher uses \(text(used)) prototypes of \(what) only",
                    spreading
                )
            }
        }
        return nil
    }

    /// Predictions that know no more of a picture than its places; nil for good ones, in the first epoch,
    /// and for methods that do not log what is to be compared.
    private static func judgeLoss(_ metrics: [MetricsRecord]) -> String? {
        let lines = metrics.filter { $0["uninformed_loss"] != nil }
        guard let last = lines.last, last.epoch >= 1, let loss = recent("loss", lines),
            let uninformed = recent("uninformed_loss", lines), loss >= uninformed
        else { return nil }
        return "predictions say nothing of a picture: the loss is \(text(loss)), where predicting "
            + "the mean of the others at each place has \(text(uninformed))"
    }

    /// The mean of the last lines that have a number: those of single steps are noisy.
    private static func recent(_ name: String, _ metrics: [MetricsRecord]) -> Double? {
        let values = metrics.compactMap { $0[name] }.suffix(5)
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    private static func text(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }

    /// What useful features have at least: a part of the width as rank, deviations of targets and
    /// features from picture to picture.
    ///
    /// Random weights have more of each.
    private static let least = (rank: 0.02, targets: 0.02, spread: 0.003)

    private static func judge(
        _ ranks: [Double], _ spreads: [Double], _ targets: [Double], _ width: Int
    ) -> (State, String)? {
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
