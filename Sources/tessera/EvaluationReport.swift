import Evaluation
import Foundation
import NN
import Reports
import Torch
import Training

/// The page of `evaluate all`: every score with its interval and card, accuracy over k and over learning
/// rates.
struct EvaluationReport {
    private let encoder: PretrainedEncoder
    private let scores: [Score]
    private let counts: (train: Int, test: Int)

    init(_ encoder: PretrainedEncoder, _ scores: [Score], counts: (train: Int, test: Int)) {
        (self.encoder, self.scores, self.counts) = (encoder, scores, counts)
    }

    func write(to url: URL) throws {
        try Data(page.html.markup.utf8).write(to: url, options: .atomic)
    }

    private var page: ReportPage {
        let name = URL(fileURLWithPath: encoder.runFolder?.path ?? encoder.origin).lastPathComponent
        var page = ReportPage(
            title: "Evaluation of \(name)",
            subtitle: "\(readableCount(encoder.model.parameterCount)) parameters · "
                + "\(counts.train) training and \(counts.test) test pictures",
            colophon: "Tessera \(Version.text), libtorch \(LibTorch.loadedVersion), "
                + TorchSettings.cpuDescription)
        page.cards = ["knn", "sweep", "logistic", "clustering"].compactMap(card)
        page.add(
            "Scores",
            lead: "The encoder is frozen; a protocol sees its features only. Below an accuracy "
                + "stand the ends of its 95 % interval, from test pictures drawn anew.",
            [ScoreTable(scores.map(row))])
        page.add("Curves", [SideBySide(curves)])
        return page
    }

    /// The best accuracy of a protocol.
    private func card(_ name: String) -> Card? {
        let metric = name == "clustering" ? "acc" : "top1"
        let best = scores.filter { $0.protocol == name && $0.metric == metric }
            .max { $0.value < $1.value }
        return best.map { score in
            Card(
                score.title, value: String(format: "%.1f", score.value), unit: "%",
                remark: score.interval?.text ?? "")
        }
    }

    private func row(_ score: Score) -> ScoreTable.Score {
        let metrics = [
            "top1": "top-1 accuracy", "top5": "top-5 accuracy", "acc": "accuracy",
            "nmi": "normalised mutual information", "ari": "adjusted Rand index",
            "fmi": "Fowlkes-Mallows index",
        ]
        return ScoreTable.Score(
            name: score.title, metric: metrics[score.metric] ?? score.metric, value: score.value,
            interval: score.interval.map { ($0.low, $0.high) }, settings: score.shownSettings)
    }

    private var curves: [any ReportBlock] {
        let knn = scores.filter { $0.protocol == "knn" && $0.metric == "top1" }
        let series = ["cls", "mean"].compactMap { tokens -> Series? in
            let points = knn.filter { $0.settings["tokens"]?.text == tokens }.compactMap { score in
                score.number("k").map { Series.Point($0, score.value) }
            }
            return points.isEmpty
                ? nil : Series(name: tokens, points: points.sorted { $0.x < $1.x })
        }
        var charts: [any ReportBlock] = []
        if !series.isEmpty {
            charts.append(
                LineChart(
                    title: "Nearest neighbours", xLabel: "k", yLabel: "top-1, %", series: series))
        }
        let rates = scores.filter { $0.protocol == "sweep" && $0.metric == "top1" }.map { score in
            Series(
                name: score.title,
                points: score.settings.compactMap { key, value in
                    guard key.hasPrefix("top1 at lr "), case .number(let top1) = value,
                        let rate = Double(key.dropFirst("top1 at lr ".count))
                    else { return nil }
                    return Series.Point(log10(rate), top1)
                }.sorted { $0.x < $1.x })
        }
        if !rates.isEmpty {
            charts.append(
                LineChart(
                    title: "Linear classifiers", xLabel: "log₁₀ of the learning rate",
                    yLabel: "top-1, %", series: rates))
        }
        return charts
    }
}

extension Score {
    /// A setting that is a number.
    func number(_ key: String) -> Double? {
        guard case .number(let value)? = settings[key] else { return nil }
        return value
    }
}
