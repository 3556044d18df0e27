import ArgumentParser
import Configuration
import Evaluation
import Foundation
import NN
import Torch
import Training
import VisionModels

/// Scores a frozen encoder.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Score a frozen encoder by a protocol of the field.",
        discussion: """
            tessera evaluate knn --weights runs/mae --data pictures
            tessera evaluate linear --weights mae.pth --data pictures protocol.epochs=20
            tessera evaluate all --weights ibot.pth --data pictures

            The scores are printed and, for a run, appended to its scores.json.
            """,
        subcommands: [
            All.self, Knn.self, Linear.self, Sweep.self, Pooled.self, ReadOut.self, Logistic.self,
            Clustering.self, Validate.self,
        ])

    struct Options: ParsableArguments {
        @OptionGroup var source: WeightsOptions

        @Option(help: "Labelled pictures with a training and a test part.")
        var data: String

        @Option(help: "Where to compute.")
        var device = DeviceChoice.auto

        @Option(
            help: ArgumentHelp(
                "A folder that keeps features for the next evaluation of the same, and a probe "
                    + "while it is trained: stopped, the same command goes on with it."))
        var cache: String?

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
            try options.evaluate(KNearestNeighbors.Config.self) { data, settings in
                let (train, test) = try data.features(settings.features)
                return try KNearestNeighbors.scores(train: train, test: test, settings.protocol)
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
            try options.evaluate(LinearProbe.Config.self) { data, settings in
                let (train, test) = try data.probeFeatures(settings.features)
                return try LinearProbe.scores(
                    train: train, test: test, settings.protocol,
                    store: data.probeStore(settings.features, settings.protocol))
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
            try options.evaluate(PooledProbes.Config.self) { data, settings in
                let (train, test) = try data.probeFeatures(settings.features)
                return try PooledProbes.scores(
                    train: train, test: test, blockWidths: data.blockWidths(settings.features),
                    stride: settings.features.stride, settings.protocol,
                    store: data.probeStore(settings.features, settings.protocol))
            }
        }
    }

    struct ReadOut: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "readout",
            abstract:
                "Ways to read tokens out, trained at once: AbMILP, attentive, EP (Beyond [cls]).",
            discussion: protocolHelp(ReadOutProbes.Config.self))

        @OptionGroup var options: Options

        func run() throws {
            try options.evaluate(ReadOutProbes.Config.self) { data, settings in
                guard settings.features.tokens == .all, settings.features.blocks == 1 else {
                    throw UsageError(
                        "read-outs see all tokens of one block: leave features.tokens and "
                            + "features.blocks out, and choose the block by features.leftOut")
                }
                let form = try data.tokenForm(settings.features)
                try settings.protocol.validate(on: form)
                let (train, test) = try data.probeFeatures(settings.features)
                return try ReadOutProbes.scores(
                    train: train, test: test, form: form, settings.protocol,
                    store: data.probeStore(settings.features, settings.protocol)
                ) { data.sayEpoch($0, of: settings.protocol.epochs) }
            }
        }
    }

    struct Logistic: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "logistic",
            abstract: "Multinomial logistic regression to its optimum (StoP, iBOT).",
            discussion: """
                By default as StoP's logistic_eval.py does. With protocol.preparation=normalized \
                pictures are shown as iBOT's are: pictures.margin=true \
                pictures.interpolation=bicubic, unless told otherwise.

                \(protocolHelp(LogisticEvaluation.Config.self))
                """)

        @OptionGroup var options: Options

        func run() throws {
            var options = options
            let told = try EvaluationSettings<LogisticEvaluation.Config>
                .resolve(overrides: options.settings).value
            if told.protocol.preparation == .normalized {
                // What the user says comes later, and holds.
                options.settings =
                    ["pictures.margin=true", "pictures.interpolation=bicubic"] + options.settings
            }
            try options.evaluate(LogisticEvaluation.Config.self) { data, settings in
                let (train, test) = try data.features(settings.features)
                let scores = try LogisticEvaluation.scores(
                    train: train, test: test, settings.protocol)
                data.noteUnfinished(scores)
                return scores
            }
        }
    }

    /// The settings of a protocol with their defaults.
    static func protocolHelp<Config: Configuration>(_: Config.Type) -> String {
        guard let resolved = try? EvaluationSettings<Config>.resolve() else { return "" }
        return "Settings and their defaults:\n\n" + resolved.yaml(documented: true)
    }
}

extension EvaluateCommand.Options {
    /// Loads the encoder, scores it on the data, prints and keeps the scores.
    func evaluate<Protocol: Configuration>(
        _: Protocol.Type,
        _ score: (EvaluationData, EvaluationSettings<Protocol>) throws -> [Score]
    ) throws {
        let (encoder, shown, config) = try open(EvaluationSettings<Protocol>.self)
        let card = ProtocolCard(encoder, config.pictures, data: data)
        let scores = try score(shown, config).map { card.completing($0, config.features) }
        try ScoreSheet.show(scores, json: json)
        try keep(scores, of: encoder)
    }

    /// The encoder on its device, the pictures that it is shown, and the settings, fitted to it.
    func open<Protocol: Configuration>(
        _: EvaluationSettings<Protocol>.Type
    ) throws -> (PretrainedEncoder, EvaluationData, EvaluationSettings<Protocol>) {
        let resolved = try EvaluationSettings<Protocol>.resolve(overrides: settings)
        var config = resolved.value
        let (encoder, shown) = try open(config.pictures)
        config.features.fit(
            encoder.model, tokensAreStated: resolved.states("features.tokens"))
        _ = try config.features.extractor(of: encoder.model)
        return (encoder, shown, config)
    }

    /// The encoder on its device, and the pictures that it is shown.
    func open(_ pictures: PictureSettings) throws -> (PretrainedEncoder, EvaluationData) {
        let encoder = try source.load()
        try encoder.model.move(to: device.resolve())
        let shown = try EvaluationData(
            data, for: encoder, pictures.fitted(to: encoder.model.imageSize),
            cache: cache.map { try FeatureCache($0) }, silent: json)
        return (encoder, shown)
    }

    /// Adds scores to those of the encoder's run, where it is of one.
    func keep(_ scores: [Score], of encoder: PretrainedEncoder) throws {
        if let folder = encoder.runFolder {
            try ScoreFile.append(scores, to: folder.appendingPathComponent("scores.json").path)
        }
    }
}
