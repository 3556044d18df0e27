import ArgumentParser
import Configuration
import Evaluation
import Foundation
import Training

extension EvaluateCommand {
    struct All: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "all",
            abstract: "k-NN, linear sweep, logistic regression and clustering of one feature pass.",
            discussion: """
                Every accuracy has an interval of confidence of 95 %, by drawing test pictures \
                anew, and the card of its protocol. A run's scores are kept in it, with a report.

                Settings and their defaults:

                \((try? EvaluateAllSettings.resolve())?.yaml(documented: true) ?? "")
                """)

        @OptionGroup var options: Options

        @Option(help: "Where the report goes; evaluation.html of the run where there is one.")
        var report: String?

        func run() throws {
            let config = try EvaluateAllSettings.resolve(overrides: options.settings).value
            let (encoder, data) = try options.open(config.pictures)
            let evaluation = try WholeEvaluation(encoder, data, config, name: options.data)
            let scores = try evaluation.scores()
            if options.json {
                try ScoreSheet.show(scores, json: true)
            } else {
                print(evaluation.table(scores))
            }
            try options.keep(scores, of: encoder)
            let place =
                report.map { URL(fileURLWithPath: $0) }
                ?? encoder.runFolder?.appendingPathComponent("evaluation.html")
            guard let place else { return }
            try EvaluationReport(encoder, scores, counts: data.counts).write(to: place)
            if options.json {
                try JSONLine.write(["report": place.relativePath])
            } else {
                print("\nreport: \(place.relativePath)")
            }
        }
    }
}

/// What `evaluate all` can be told.
struct EvaluateAllSettings: Configuration {
    var pictures = PictureSettings()
    var precision: FeatureExtractor.Precision? = nil
    var meanNorm = true
    var tokens: FeatureExtractor.TokenChoice? = nil
    var blocks: Int? = nil
    var knn = KNearestNeighbors.Config()
    var sweep = LinearSweep.Config()
    var logistic = LogisticEvaluation.Config.iBOT
    var clustering = ClusteringEvaluation.Config()
    var seed: UInt64 = 0

    init() {}

    static var documentation: [String: String] {
        [
            "pictures": "how the encoder is shown them",
            "precision": "of the encoder's matrix products: bf16, or fp16 on CUDA; null for fp32",
            "meanNorm":
                "whether the mean of patches is of tokens after the final norm; false is iBOT's "
                + "avgpool_patchtokens=1",
            "tokens":
                "what the linear sweep sees; null for cls of four blocks up to a width of 384, "
                + "clsAndMean of the last above it, mean of four without a class token (iBOT)",
            "blocks": "of how many of the last blocks; null as for tokens",
            "knn": "by class token and by mean of patches",
            "sweep": "linear classifiers at many learning rates, at once",
            "logistic": "of class tokens, or means where there are none",
            "clustering": "k-means of the same, and prototypes where the weights have a head",
            "seed": "of initial weights, orders, means to begin with and intervals",
        ]
    }

    func validate() throws {
        guard blocks.map({ $0 > 0 }) ?? true else {
            throw ConfigurationError.invalid(
                "blocks", found: blocks ?? 0, expected: "a positive number")
        }
        guard tokens != .patches, tokens != .all else {
            throw ConfigurationError.invalid(
                "tokens", found: tokens?.rawValue ?? "",
                expected: "cls, mean, clsAndMean or clsAndGeM: one vector of each picture")
        }
        guard pictures.crops == .center else {
            throw ConfigurationError.invalid(
                "pictures.crops", found: pictures.crops.rawValue,
                expected: "center, because one pass over the pictures feeds all protocols; "
                    + "`evaluate sweep` takes random crops")
        }
    }
}
