import ArgumentParser
import Configuration
import Evaluation
import Foundation
import NN
import Torch
import Training

/// Scores a frozen encoder.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Score a frozen encoder by a protocol of the field.",
        discussion: """
            tessera evaluate knn --weights runs/mae --data pictures
            tessera evaluate linear --weights mae.pth --data pictures protocol.epochs=20

            The scores are printed and, for a run, appended to its scores.json.
            """,
        subcommands: [Knn.self, Linear.self, Pooled.self, Logistic.self, Validate.self])

    struct Options: ParsableArguments {
        @OptionGroup var source: WeightsOptions

        @Option(help: "Labelled pictures with a training and a test part.")
        var data: String

        @Option(help: "Where to compute: auto, cpu, cuda.")
        var device: String = "auto"

        @Flag(help: "Print the scores as JSON, one object a line.")
        var json = false

        @ArgumentParser.Argument(
            help: "Settings, such as features.tokens=mean or protocol.epochs=20.")
        var settings: [String] = []
    }

    struct Knn: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "knn", abstract: "Weighted k-nearest-neighbor classification (knn).",
            discussion: protocolHelp(KNearestNeighbors.Config.self))

        @OptionGroup var options: Options

        func run() throws {
            try options.evaluate(KNearestNeighbors.Config.self) { train, test, config, _ in
                try KNearestNeighbors.scores(train: train, test: test, config)
            }
        }
    }

    struct Linear: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "linear",
            abstract: "A linear classifier behind a batch norm, trained by LARS (MAE's probe).",
            discussion: protocolHelp(LinearProbe.Config.self))

        @OptionGroup var options: Options

        func run() throws {
            try options.evaluate(LinearProbe.Config.self) { train, test, config, _ in
                try LinearProbe.scores(train: train, test: test, config)
            }
        }
    }

    struct Pooled: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pooled",
            abstract:
                "Linear classifiers of the last block and the last four at once (I-JEPA, StoP).",
            discussion: protocolHelp(PooledProbes.Config.self))

        @OptionGroup var options: Options

        func run() throws {
            var options = options
            options.settings = ["features.tokens=mean", "features.blocks=4"] + options.settings
            try options.evaluate(PooledProbes.Config.self) { train, test, config, widths in
                try PooledProbes.scores(train: train, test: test, blockWidths: widths, config)
            }
        }
    }

    struct Logistic: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "logistic",
            abstract: "Multinomial logistic regression to its optimum (I-JEPA, iBOT).",
            discussion: protocolHelp(LogisticEvaluation.Config.self))

        @OptionGroup var options: Options

        func run() throws {
            try options.evaluate(LogisticEvaluation.Config.self) { train, test, config, _ in
                try LogisticEvaluation.scores(train: train, test: test, config)
            }
        }
    }

    /// The settings of a protocol with their defaults.
    private static func protocolHelp<Config: Configuration>(_: Config.Type) -> String {
        guard let resolved = try? EvaluationSettings<Config>.resolve() else { return "" }
        return "Settings and their defaults:\n\n" + resolved.yaml(documented: true)
    }
}

/// What an evaluation can be told; `Protocol` is the protocol's own section.
struct EvaluationSettings<Protocol: Configuration>: Configuration {
    var features = FeatureExtractor.Config()
    var `protocol` = Protocol()

    init() {}

    static var documentation: [String: String] {
        ["features": "what of the encoder's tokens is used", "protocol": "the evaluation itself"]
    }
}

extension EvaluateCommand.Options {
    /// Loads the encoder, extracts features of both parts, scores them, prints and keeps the scores.
    ///
    /// `score` is also given the width of each block's part of a feature.
    fileprivate func evaluate<Protocol: Configuration>(
        _: Protocol.Type, _ score: (Features, Features, Protocol, [Int]) throws -> [Score]
    ) throws {
        let config = try EvaluationSettings<Protocol>.resolve(overrides: settings).value
        guard let choice = DeviceChoice(rawValue: device) else {
            throw UsageError("--device is '\(device)', expected auto, cpu or cuda")
        }
        let encoder = try source.load()
        try encoder.model.move(to: choice.resolve())
        let (train, test) = try FeaturePair.extract(
            encoder, data: data, config.features, silent: json)
        let widths = try FeatureExtractor(encoder.model, config.features).blockWidths
        var scores = try score(train, test, config.protocol, widths)
        for index in scores.indices {
            scores[index].settings.merge(
                [
                    "tokens": .text(config.features.tokens.rawValue),
                    "blocks": .number(Double(config.features.blocks)),
                    "stride": .number(Double(config.features.stride)), "data": .text(data),
                    "weights": .text(encoder.origin),
                ]) { own, _ in own }
        }
        try ScoreSheet.show(scores, json: json)
        if let folder = encoder.runFolder {
            try ScoreFile.append(scores, to: folder.appendingPathComponent("scores.json").path)
        }
    }
}
