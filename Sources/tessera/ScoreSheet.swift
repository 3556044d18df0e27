import Evaluation
import Foundation

/// Scores on standard output.
enum ScoreSheet {
    static func show(_ scores: [Score], json: Bool) throws {
        if json {
            for score in scores { try JSONLine.write(score) }
            return
        }
        for score in scores where score.metric == "top1" {
            print(
                "\(score.title.padding(toLength: 22, withPad: " ", startingAt: 0)) "
                    + String(format: "%6.2f %%", score.value))
        }
    }
}

extension Score.Setting {
    /// The value for people.
    var text: String {
        switch self {
        case .flag(let flag): "\(flag)"
        case .number(let value):
            value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
        case .text(let text): text
        }
    }
}

extension Score {
    /// The protocol with what tells its scores apart: `k-NN, k = 20`.
    var title: String {
        func number(_ key: String) -> String? {
            guard case .number(let value)? = settings[key] else { return nil }
            return value == value.rounded() ? "\(Int(value))" : "\(value)"
        }
        switch `protocol` {
        case "knn": return "k-NN" + (number("k").map { ", k = \($0)" } ?? "")
        case "linear": return "linear probe"
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
