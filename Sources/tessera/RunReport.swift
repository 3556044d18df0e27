import Analysis
import Configuration
import Data
import Evaluation
import Foundation
import Imaging
import NN
import Reports
import Torch
import Training
import VisionModels

/// Puts the report of a run together: what was measured, what the pictures look like, the settings.
enum RunReport {
    /// How many pictures the report shows.
    private static let pictureCount = 8

    /// Writes `report.html` into the folder of a run.
    static func write<Method: PretrainingMethod>(for _: Method.Type, run folder: URL) throws -> URL
    {
        let (encoder, method, settings) = try PretrainedEncoder.load(
            Method.self, run: folder,
            file: CheckpointStore.newest(ofRun: folder, reportingDamaged: noteDamaged))
        let metrics = try MetricsLog.read(folder.appendingPathComponent("metrics.jsonl"))
        let scoreFile = folder.appendingPathComponent("scores.json").path
        let scores =
            FileManager.default.fileExists(atPath: scoreFile)
            ? try ScoreFile.read(scoreFile).filter { $0.metric == "top1" } : []
        var page = ReportPage(
            title: folder.lastPathComponent,
            subtitle: "\(Method.name) · \(settings.model.summary) · "
                + "\(readableCount(encoder.model.parameterCount)) parameters",
            colophon: "Tessera \(Version.text), libtorch \(LibTorch.loadedVersion), "
                + TorchSettings.cpuDescription)
        page.cards = cards(metrics, scores)
        if method is any SelfDistillingMethod,
            let card = CollapseVerdict(metrics, width: settings.model.featureWidth).map(Self.card)
        {
            page.cards.append(card)
        }
        if !scores.isEmpty {
            page.add(
                "Scores",
                lead: method is any ClassifyingMethod
                    ? "Fine-tuned: all weights were trained on the labels. The best of all tests was "
                        + "chosen by the test pictures themselves."
                    : "The encoder is frozen; a protocol sees its features only.",
                [ScoreTable(scores.map(row))])
        }
        page.add("Training", curves(metrics))
        let batch = try sample(settings)
        try addPictures(of: method, batch, settings, to: &page)
        try addLatents(of: method, settings, to: &page)
        try addAttention(of: encoder, batch, settings, to: &page)
        page.add("Settings", [Folded("All settings", [try table(Method.self, folder)])])
        let url = folder.appendingPathComponent("report.html")
        try Data(page.html.markup.utf8).write(to: url, options: .atomic)
        return url
    }

    private static func cards(_ metrics: [MetricsRecord], _ scores: [Score]) -> [Card] {
        var cards = scores.suffix(4).map { score in
            Card(
                score.title, value: String(format: "%.1f", score.value), unit: "%",
                remark: score.pixelBaseline.map { difference(score.value, $0) } ?? "",
                tone: score.pixelBaseline.map { score.value > $0 ? .better : .worse } ?? .neutral)
        }
        let rates = metrics.compactMap { $0["images_per_second"] }.sorted()
        if !rates.isEmpty {
            let speed = String(format: "%.0f", rates[rates.count / 2].rounded(.down))
            cards.append(Card("Speed", value: speed, unit: "images/s"))
        }
        if let last = metrics.last {
            let whole = last.epoch == last.epoch.rounded()
            cards.append(Card("Epochs", value: String(format: whole ? "%.0f" : "%.1f", last.epoch)))
        }
        return cards
    }

    private static func card(_ verdict: CollapseVerdict) -> Card {
        Card(
            "Representation", value: verdict.state.rawValue, unit: "",
            remark: verdict.finding + (verdict.advice.isEmpty ? "" : "; " + verdict.advice),
            tone: verdict.state == .healthy ? .neutral : .worse)
    }

    /// `+0.7 against raw pixels`.
    private static func difference(_ value: Double, _ baseline: Double) -> String {
        let sign = value < baseline ? "−" : "+"
        return sign + String(format: "%.1f", abs(value - baseline)) + " against raw pixels"
    }

    private static func row(_ score: Score) -> ScoreTable.Score {
        ScoreTable.Score(
            name: score.title, metric: "top-1 accuracy", value: score.value, unit: "%",
            baselines: score.pixelBaseline.map { [.init("raw pixels", $0)] } ?? [],
            interval: score.interval.map { ($0.low, $0.high) }, settings: score.shownSettings)
    }

    private static func curves(_ metrics: [MetricsRecord]) -> [any ReportBlock] {
        func series(_ title: String, _ name: String, smoothing: Double) -> Series? {
            let points = metrics.compactMap { record in
                record[name].map { Series.Point(record.epoch, $0) }
            }
            guard points.count > 1 else { return nil }
            return Series(name: title, points: points, smoothing: smoothing)
        }
        func chart(
            _ title: String, _ name: String, smoothing: Double = 0, unit: String = "",
            beside others: [(title: String, name: String)] = [], note: String = ""
        ) -> LineChart? {
            guard let first = series(title, name, smoothing: smoothing) else { return nil }
            let others = others.compactMap { series($0.title, $0.name, smoothing: smoothing) }
            return LineChart(
                title: title, xLabel: "epoch", yLabel: unit, series: [first] + others,
                note: others.isEmpty ? "" : note)
        }
        // Of the class's prototypes and the patches', with one head or two.
        func distillation(_ title: String, _ name: String) -> LineChart? {
            let both = [("pictures", name), ("patches", "patch_" + name)]
                .compactMap { series($0, $1, smoothing: 0.8) }
            guard !both.isEmpty else { return nil }
            return LineChart(title: title, xLabel: "epoch", series: both)
        }
        let charts: [any ReportBlock] = [
            chart(
                "Loss", "loss", smoothing: 0.8,
                beside: [("of predicting the pictures' mean", "uninformed_loss")],
                note: "A loss below the second curve says that predictions know something of the "
                    + "picture. It may rise while they learn, because targets become richer."),
            chart("Learning rate", "lr"),
            chart("Gradient norm", "grad_norm", smoothing: 0.8),
            chart("Throughput", "images_per_second", unit: "images/s"),
            chart("k-NN probe", "knn_top1", unit: "%"),
            chart("Accuracy on training pictures", "train_top1", smoothing: 0.8, unit: "%"),
            chart("Accuracy on test pictures", "test_top1", unit: "%"),
            chart("Accuracy of the average on test pictures", "ema_top1", unit: "%"),
            chart("Rank of the features", "rank_me"),
            chart("Spread of the targets", "target_std", smoothing: 0.8),
            distillation("Entropy of the teacher's targets", "teacher_entropy"),
            distillation("Distance of student and teacher (KL)", "teacher_kl"),
            distillation("Prototypes in use", "prototypes_used"),
            distillation("Length of the centre", "center_norm"),
            chart("Mutual information of prototypes and classes", "nmi"),
        ].compactMap { $0 }
        return [SideBySide(charts)]
    }

    /// The first pictures of the run's data, as the encoder is evaluated on them.
    private static func sample<Config>(
        _ settings: RunConfiguration<Config>, count: Int = pictureCount
    ) throws -> ImageBatch {
        var data = settings.data
        // A report may be made of a run whose pictures have changed.
        data.fingerprint = nil
        let source = try data.open()
        var plan = try data.evaluationPlan(
            for: source, imageSize: settings.model.imageSize, channels: settings.model.channels,
            batchSize: count)
        plan.sampler = try Sampler(
            count: source.count, globalBatchSize: min(count, source.count),
            seed: settings.run.seed)
        let loader = try Loader(
            plan, options: LoaderOptions(threads: 1, prefetch: 1), epochs: 1)
        guard let batch = try loader.next() else { fatalError("a loader without a batch") }
        return ImageBatch(batch, on: .cpu)
    }

    private static func addPictures<Method: PretrainingMethod>(
        of method: Method, _ batch: ImageBatch, _ settings: RunConfiguration<Method.Config>,
        to page: inout ReportPage
    ) throws {
        guard let method = method as? any ReconstructingMethod else { return }
        let panels = ReconstructionPanels(
            noGrad { method.reconstruct(batch) },
            normalization: normalization(settings))
        let samples = try panels.samples.map { panel in
            ImageGrid.Sample(
                caption: "",
                pictures: try panel.map { try Picture($0.image, alternative: $0.name) })
        }
        page.add(
            "Reconstruction",
            lead: "The picture, what the model sees of it, what it predicts, and its prediction in "
                + "the gaps. Training counts the gaps alone: predictions elsewhere mean nothing.",
            [ImageGrid(columns: ReconstructionPanels.names, samples: samples)])
    }

    /// How many pictures the losses of places are means of: 512, fewer of a large encoder, which would
    /// take minutes on a CPU.
    private static func lossPictureCount(_ encoder: any VisionEncoder) -> Int {
        let cost = Double(encoder.parameterCount) * Double(encoder.grid.count)
        return max(pictureCount, min(512, Int(2e12 / max(cost, 1))))
    }

    /// Contexts and targets on pictures, what predictions resemble, and the loss of each place.
    private static func addLatents<Method: PretrainingMethod>(
        of method: Method, _ settings: RunConfiguration<Method.Config>, to page: inout ReportPage
    ) throws {
        guard let method = method as? any LatentPredictingMethod else { return }
        let batch = try sample(settings, count: lossPictureCount(method.backbone))
        let size = max(pictureCount, settings.data.batchSize / settings.run.partCount)
        let parts = batch.parts((batch.count + size - 1) / size)
        let panels = LatentPanels(
            parts.map(method.predictLatents), of: batch.images,
            normalization: normalization(settings), shown: pictureCount)
        page.add(
            "Prediction",
            lead:
                "What the encoder sees of a picture, the blocks whose representation is predicted "
                + "from it, and for one block how like its prediction the true representation of "
                + "every patch is: a good one lights up the block and what looks like it.",
            [
                try PatchMapGrid(
                    panels.masks,
                    keys: [
                        .init(.seen, "seen"),
                        .init(.list(0), "the block of the similarities below"),
                        .init(.list(2), "other blocks"),
                    ]),
                ImageGrid(
                    columns: ["picture", "similarity"], samples: try panels.samples(),
                    legend: ColorLegend(low: "least", high: "most", label: "cosine")),
                try PatchChart(
                    panels.losses, title: "Loss of each place",
                    legend: ColorLegend(low: "least", high: "most", label: "smooth L1"),
                    note:
                        "The mean over \(batch.count) pictures; places that were never a target are "
                        + "empty."),
            ])
    }

    private static func addAttention<Config>(
        of encoder: PretrainedEncoder, _ batch: ImageBatch, _ settings: RunConfiguration<Config>,
        to page: inout ReportPage
    ) throws {
        guard let model = encoder.model as? VisionTransformer, model.hasClassToken else { return }
        let maps = noGrad { AttentionMaps(model, images: batch.images) }
        let pictures = pixelImages(batch.images, normalization(settings))
        let samples = try pictures.enumerated().map { index, picture in
            let heads = maps.heatMaps(sample: index).map { $0.overlay(on: picture) }
            return ImageGrid.Sample(
                caption: "",
                pictures: try [Picture(picture, alternative: "picture")]
                    + heads.enumerated().map { head, image in
                        try Picture(image, alternative: "attention of head \(head + 1)")
                    })
        }
        page.add(
            "Attention",
            lead: "Where the class token of the last block looks, head by head.",
            [
                ImageGrid(
                    columns: ["picture"] + (1...maps.headCount).map { "head \($0)" },
                    samples: samples,
                    legend: ColorLegend(low: "least", high: "most", label: "attention"))
            ])
    }

    private static func table<Method: PretrainingMethod>(
        _: Method.Type, _ folder: URL
    ) throws -> SettingsTable {
        let path = folder.appendingPathComponent("config.yaml").path
        let lines = try String(contentsOfFile: path, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
        let settings = try RunConfiguration<Method.Config>.resolve(
            recipe: Recipe(contentsOf: path)
        ).settings
        return SettingsTable(
            settings.map { setting in
                // Each line of the file ends in where its value came from.
                var source = ""
                if case .file(_, let line) = setting.source, lines.indices.contains(line - 1),
                    let mark = lines[line - 1].range(of: "  # ")
                {
                    source = String(lines[line - 1][mark.upperBound...])
                }
                return .init(
                    key: setting.key, value: setting.value, source: source,
                    isChosen: !source.isEmpty && source != "default")
            })
    }

    private static func normalization<Config>(
        _ settings: RunConfiguration<Config>
    ) -> Normalization {
        settings.data.evaluationPipeline(
            imageSize: settings.model.imageSize, channels: settings.model.channels
        ).normalization
    }
}
