import Evaluation
import Foundation

/// Scores on standard output.
enum ScoreSheet {
    static func show(_ scores: [Score], json: Bool) throws {
        if json {
            for score in scores { try JSONLine.write(score) }
            return
        }
        for score in scores where score.metric != "top5" { print(line(score)) }
    }

    /// `k-NN, k = 20          83.12 %   82.41 to 83.90`, the interval where there is one.
    static func line(_ score: Score, width: Int = 22) -> String {
        score.title.padding(
            toLength: max(width, score.title.count), withPad: " ", startingAt: 0)
            + String(format: " %6.2f %%", score.value)
            + (score.interval.map { "   " + $0.text } ?? "")
    }
}

extension Interval {
    /// The ends for people.
    var text: String { String(format: "%.2f to %.2f", low, high) }
}

extension Double {
    /// The number for people: a whole one without a point, as far as every whole number is a `Double`.
    fileprivate var shortText: String {
        self == rounded() && abs(self) < 1e15 ? "\(Int(self))" : "\(self)"
    }
}

extension Score.Setting {
    /// The value for people.
    var text: String {
        switch self {
        case .flag(let flag): "\(flag)"
        case .number(let value): value.shortText
        case .text(let text): text
        }
    }
}

extension Score {
    /// The protocol with what tells its scores apart: `k-NN, k = 20`.
    var title: String {
        func number(_ key: String) -> String? {
            guard case .number(let value)? = settings[key] else { return nil }
            return value.shortText
        }
        switch `protocol` {
        case "knn": return "k-NN" + (number("k").map { ", k = \($0)" } ?? "")
        case "linear": return "linear probe"
        case "sweep":
            guard case .text("learning rate")? = settings["chosenBy"] else {
                return number("probes").map { "best of \($0) linear" } ?? "linear sweep"
            }
            return "best by lr alone"
        case "clustering":
            guard case .text(let source)? = settings["clusteredBy"] else { return `protocol` }
            return "\(source == "head" ? "prototypes" : "k-means"), \(metric.uppercased())"
        case FineTuningScores.protocolName:
            func text(_ key: String) -> String? {
                guard case .text(let text)? = settings[key] else { return nil }
                return text
            }
            return "fine-tuned" + (text("weights") == "average" ? ", average" : "")
                + (text("checkpoint") == "best" ? ", best" : "")
        case "logistic": return "logistic" + (number("lambda").map { ", λ = \($0)" } ?? "")
        case "readout":
            guard case .text(let name)? = settings["readOut"] else { return `protocol` }
            return "read-out \(name)"
        default: return `protocol`
        }
    }

    /// The value of raw pixels under the same protocol and settings, where it was measured.
    var pixelBaseline: Double? {
        guard case .number(let value)? = settings["rawPixels"] else { return nil }
        return value
    }
}
