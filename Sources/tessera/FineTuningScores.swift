import Configuration
import Evaluation
import Foundation
import TensorFiles
import Training

/// The scores of a fine-tuned run, with what they depend on.
enum FineTuningScores {
    static let protocolName = "finetune"

    /// Writes the last and the best accuracy of a run into its `scores.json`, in place of those of a
    /// shorter run.
    ///
    /// The best one was chosen by the test pictures themselves and so says a little too much; it is
    /// what the references print.
    ///
    /// - Returns: the scores.
    static func write<Method: PretrainingMethod>(
        for _: Method.Type, run folder: URL
    ) throws -> [Score] {
        let path = folder.appendingPathComponent("scores.json").path
        let log = try MetricsLog.read(folder.appendingPathComponent("metrics.jsonl"))
        let resolved = try RunConfiguration<Method.Config>.resolve(
            recipe: Recipe(contentsOf: folder.appendingPathComponent("config.yaml").path))
        var scores: [Score] = []
        for (weights, prefix) in [("average", "ema"), ("trained", "test")] {
            let tests = log.filter { $0["\(prefix)_top1"] != nil }
            guard let last = tests.last,
                let best = tests.max(by: {
                    ($0["\(prefix)_top1"] ?? 0, -$0.step) < ($1["\(prefix)_top1"] ?? 0, -$1.step)
                })
            else { continue }
            for (choice, record) in [("last", last), ("best", best)] {
                for metric in ["top1", "top5"] {
                    guard let value = record["\(prefix)_\(metric)"] else { continue }
                    var settings = card(resolved.settings)
                    settings["checkpoint"] = .text(choice)
                    settings["weights"] = .text(weights)
                    settings["epoch"] = .number(record.epoch)
                    scores.append(
                        Score(
                            protocol: protocolName, metric: metric, value: value,
                            settings: settings))
                }
            }
        }
        try ScoreFile.append(scores, to: path, replacing: protocolName)
        return scores
    }

    private static let sections = ["data.", "model.", "method.", "optim.", "schedule."]
    private static let others = ["run.seed", "run.precision", "run.accumulation", "run.parallel"]
    /// How pictures get to the model, not which.
    private static let idle = ["data.workers", "data.prefetch", "data.readTimeout"]

    /// The settings that decide the numbers and are on.
    private static func card(_ settings: [ResolvedSetting]) -> [String: Score.Setting] {
        var card: [String: Score.Setting] = [:]
        for setting in settings where setting.value != "null" {
            guard
                sections.contains(where: setting.key.hasPrefix) || others.contains(setting.key),
                !idle.contains(setting.key)
            else { continue }
            card[setting.key] =
                if let number = Double(setting.value) {
                    .number(number)
                } else if let flag = Bool(setting.value) {
                    .flag(flag)
                } else {
                    .text(setting.value)
                }
        }
        return card
    }
}
