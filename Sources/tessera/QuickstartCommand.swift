import ArgumentParser
import Configuration
import Data
import Evaluation
import Foundation
import Imaging
import Methods
import Torch
import Training

/// From nothing to a trained and scored encoder on real pictures, in minutes.
struct QuickstartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quickstart",
        abstract: "Pre-train MAE on 60,000 real pictures, score it, write a report: minutes.",
        discussion: """
            The pictures are Fashion-MNIST's, which `make setup` has fetched. Called again on the \
            same folder it continues an unfinished run and scores a finished one again.
            """)

    @Option(help: "The folder of the run.")
    var out = "runs/quickstart"

    @Flag(help: "Print metrics, scores and the report's path as JSON, one object a line.")
    var json = false

    @ArgumentParser.Argument(help: "Settings over the recipe, such as schedule.epochs=2.")
    var settings: [String] = []

    func run() throws {
        let data = DefaultDataset.folder
        guard FileManager.default.fileExists(atPath: data) else {
            throw UsageError("Fashion-MNIST is not at \(data): run `make setup`, which fetches it")
        }
        let start = ContinuousClock.now
        try pretrain(data)
        let trained = ContinuousClock.now
        let scores = try evaluate(data)
        let folder = URL(fileURLWithPath: out, isDirectory: true)
        try? FileManager.default.removeItem(at: folder.appendingPathComponent("scores.json"))
        try ScoreFile.append(scores, to: folder.appendingPathComponent("scores.json").path)
        let report = try RunReport.write(for: MAE.self, run: folder)
        guard !json else {
            try ScoreSheet.show(scores, json: true)
            return try JSONLine.write(["report": report.relativePath])
        }
        show(scores)
        print(
            """

            trained in \(readableDuration((trained - start) / .seconds(1))), scored in \
            \(readableDuration((ContinuousClock.now - trained) / .seconds(1)))
            report: \(report.relativePath)
            """)
    }

    /// The scores as a table, beside those of raw pixels.
    private func show(_ scores: [Score]) {
        print("\nFashion-MNIST, 10,000 test pictures     encoder   raw pixels")
        for score in scores where score.metric == "top1" {
            let name = score.title.padding(toLength: 38, withPad: " ", startingAt: 0)
            let baseline = score.pixelBaseline.map { String(format: "%8.2f %%", $0) } ?? ""
            print(name + String(format: "%7.2f %%", score.value) + "  " + baseline)
        }
    }

    private func pretrain(_ data: String) throws {
        if FileManager.default.fileExists(atPath: out + "/config.yaml") {
            try PretrainingSession<MAE>(
                resuming: out, recipe: NamedRun(out).recipe, overrides: settings, json: json
            ).train()
        } else {
            let yaml = String(decoding: PackageResources.quickstart_yaml, as: UTF8.self)
            try PretrainingSession<MAE>(
                recipe: Recipe(yaml: yaml, named: "quickstart.yaml"),
                overrides: ["data.path='\(data)'"] + settings, out: out, json: json
            ).train()
        }
    }

    /// k-NN and linear accuracy of the encoder, and of the pixels themselves in the same way.
    private func evaluate(_ data: String) throws -> [Score] {
        let encoder = try EncoderLoader.load(out)
        var features = FeatureExtractor.Config()
        features.tokens = .patches
        let progress = ProgressLine(silent: json)
        let (train, test) = try EvaluationData(data, for: encoder, silent: json)
            .features(features)
        let pixels = try (
            train: pixelFeatures(data, .train), test: pixelFeatures(data, .validation)
        )
        return try zip(
            scores(train, test, progress), scores(pixels.train, pixels.test, progress)
        ).map { score, baseline in
            var score = score
            score.settings["rawPixels"] = .number(baseline.value)
            score.settings["tokens"] = .text(features.tokens.rawValue)
            return score
        }
    }

    private func scores(
        _ train: Features, _ test: Features, _ progress: ProgressLine
    ) throws -> [Score] {
        var neighbors = KNearestNeighbors.Config()
        neighbors.neighbors = [10]
        var linear = LinearProbe.Config()
        // Many more steps than the published 90 epochs of 16,384 pictures make of 60,000.
        (linear.batch, linear.epochs, linear.warmupEpochs) = (1024, 20, 2)
        linear.baseLearningRate = 1
        progress.note("scoring \(train.count) + \(test.count) features of \(train.width) numbers")
        return try KNearestNeighbors.scores(train: train, test: test, neighbors)
            + LinearProbe.scores(train: train, test: test, linear)
    }

    /// The pictures' own pixels, 0 to 1, as features.
    private func pixelFeatures(_ path: String, _ split: Split) throws -> Features {
        let source = try openSource(path, split: split)
        var values: [Float] = []
        for index in 0..<source.count {
            try source.read(at: index).withUnsafeBytes { bytes in
                values.append(contentsOf: bytes.map { Float($0) / 255 })
            }
        }
        return Features(
            values: Tensor(values, shape: [source.count, values.count / source.count]),
            labels: (0..<source.count).map { source.label(at: $0) ?? 0 },
            classNames: source.classNames)
    }
}
