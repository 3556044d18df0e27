import Analysis
import ArgumentParser
import Data
import Evaluation
import Foundation
import NN
import Reports
import TensorFiles
import Torch
import Training
import VisionModels

/// Measures where the tokens of encoders look, and compares them.
struct AttentionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attention",
        abstract: "Where tokens look, in every block and head (Beyond [cls]).",
        discussion: """
            tessera attention --weights runs/mae --against runs/ijepa --data pictures
            tessera attention --weights vit.pth --data pictures --pictures 5000 --out statistics

            In the folder of --out: report.html, attention.json, attention.csv, the figures as SVG, \
            and for each encoder the numbers of every picture as a safetensors file.
            """)

    @OptionGroup var source: WeightsOptions

    @Option(
        help: ArgumentHelp(
            "Another encoder to compare with; may be repeated. --part, --heads and "
                + "--allow-partial are for each.", valueName: "weights"))
    var against: [String] = []

    @Option(help: "Pictures: a folder, archives, or a part of a data set.")
    var data: String

    @Option(help: "Which part of them.")
    var split = Split.validation

    @Option(help: "So many pictures, spread over the part.")
    var pictures = 1000

    @Option(help: "Where to compute.")
    var device = DeviceChoice.auto

    @Option(help: "The folder that is written.")
    var out = "attention"

    @Flag(help: "Every figure as PNG too; needs rsvg-convert.")
    var png = false

    @Flag(help: "Print attention.json as one line.")
    var json = false

    func validate() throws {
        guard pictures > 0 else {
            throw ValidationError("--pictures is \(pictures), expected a number above 0")
        }
        // By what encoders are told apart, in figures and in files.
        let paths = ([source.weights] + against).map { URL(fileURLWithPath: $0).path }
        guard Set(paths).count == paths.count else {
            throw ValidationError("--against names an encoder that is there already")
        }
    }

    func run() throws {
        let raster = png ? try FigureRaster() : nil
        let progress = SourceProgress(silent: json)
        let all = try openSource(data, split: split, options: progress.options)
        for note in all.notes { progress.note(note) }
        // Spread over the set, which may be sorted by class.
        let count = min(pictures, all.count)
        let shown = SubsetSource(all, numbers: (0..<count).map { $0 * all.count / count })
        let surveys = try ([source.weights] + against).map { path in
            var options = source
            options.weights = path
            return try AttentionSurvey(options, named: name(of: path), on: device)
        }
        let folder = URL(fileURLWithPath: out)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let summaries = try surveys.map { try $0.summary(shown, in: folder, progress) }
        let files = AttentionFiles(
            folder: folder, data: data, summaries: summaries, raster: raster)
        try files.write()
        if json { try JSONLine.write(summaries) } else { print(files.report.path) }
    }

    /// The last part of a path that tells it from the others: `mae` of `runs/mae`.
    private func name(of path: String) -> String {
        let others = [source.weights] + against
        var parts = URL(fileURLWithPath: path).pathComponents.filter { $0 != "/" }[...]
        var name = parts.popLast() ?? path
        func isTaken(_ name: String) -> Bool {
            others.filter { $0 == name || $0.hasSuffix("/" + name) }.count > 1
        }
        while isTaken(name), let parent = parts.popLast() { name = parent + "/" + name }
        return name
    }
}

/// One encoder whose attention is measured.
private struct AttentionSurvey {
    let name: String
    let encoder: PretrainedEncoder
    let model: VisionTransformer
    let place: Device

    init(_ options: WeightsOptions, named name: String, on device: DeviceChoice) throws {
        encoder = try options.load()
        guard let model = encoder.model as? VisionTransformer else {
            throw UsageError(
                "\(options.weights) holds no plain vision transformer: only there do all tokens "
                    + "look at all others")
        }
        self.model = model
        self.name = name
        place = try device.resolve()
        model.move(to: place)
    }

    /// Looks at the pictures; the numbers of each go to a file in the folder.
    func summary(_ source: any ImageSource, in folder: URL, _ progress: SourceProgress) throws
        -> AttentionSummary
    {
        let batches = try EvaluationBatches(
            source, data: encoder.data, model: model, batchSize: 32)
        var parts: [AttentionStatistics] = []
        var labels: [Int] = []
        var patches = 0
        for batch in batches {
            let images = batch.images.sent(to: place)
            patches = model.grid(of: images).count
            parts.append(AttentionStatistics(model, images: images))
            labels += batch.labels
            progress.update(
                "attention of \(name): \(labels.count)/\(source.count)",
                isLast: labels.count == source.count)
        }
        if let error = batches.error { throw error }
        if let note = batches.unread.note(of: source.count, name) { progress.note(note) }
        let joined = AttentionStatistics.joined(parts)
        try SafeTensorsWriter.write(
            [
                ("attn_stats", joined.heads), ("magn_stats", joined.magnitudes),
                ("features", joined.features), ("labels", Tensor(labels)),
            ],
            to: folder.appendingPathComponent(AttentionFiles.fileName(name) + ".safetensors").path,
            metadata: [
                "attn_stats": AttentionStatistics.HeadQuantity.allCases.map(\.rawValue)
                    .joined(separator: " "),
                "magn_stats": AttentionStatistics.BlockQuantity.allCases.map(\.rawValue)
                    .joined(separator: " "),
                "weights": encoder.origin,
            ])
        return AttentionSummary(
            of: joined, encoder: name, origin: encoder.origin, patches: patches)
    }
}
