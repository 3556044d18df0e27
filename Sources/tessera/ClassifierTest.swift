import Configuration
import Data
import Evaluation
import Imaging
import NN
import Torch
import Training
import VisionModels

/// The test pictures of a run that trains a classifier, and how it is scored on them.
struct ClassifierTest {
    private let source: any ImageSource
    private let data: DataSettings
    private let pictures: TestPictures
    private let imageSize: Int
    private let channels: Int
    private let precision: Precision

    /// Nil for methods without a classifier, and for runs that are not scored.
    ///
    /// Opens the pictures: what is wrong with them must not come up an epoch later. Throws `UsageError`
    /// for pictures without labels or of other classes than those of training.
    init?<Config: MethodConfiguration>(
        _ run: RunConfiguration<Config>, trainedOn train: any ImageSource, silent: Bool
    ) throws {
        guard let method = run.method as? any ClassifyingConfiguration, run.run.probeEvery != nil
        else { return nil }
        data = run.data
        (imageSize, channels) = (run.model.imageSize, run.model.channels)
        pictures = method.testPictures(imageSize: imageSize)
        precision = run.run.precision
        let progress = SourceProgress(silent: silent)
        do {
            source = try openSource(data.path, split: .validation, options: progress.options)
        } catch let error as DataError {
            throw UsageError(
                "\(error); fine-tuning is scored on test pictures, run.probeEvery=null goes without"
            )
        }
        for note in source.notes { progress.note("test: \(note)") }
        guard source.isLabelled else {
            throw UsageError("the test pictures in \(data.path) have no labels")
        }
        // Sources that were mixed in have no test part here: their classes come last.
        let own = data.mix.isEmpty ? train.classNames.count : source.classNames.count
        if let note = try ClassAgreement(Array(train.classNames.prefix(own)), source.classNames)
            .note(data.path)
        {
            progress.note(note)
        }
        guard source.classNames.count <= method.classes ?? train.classNames.count else {
            throw UsageError(
                "the test pictures in \(data.path) have \(source.classNames.count) classes, the "
                    + "classifier \(method.classes ?? train.classNames.count): give every class a "
                    + "folder in the training part too (an empty one counts), or set "
                    + "method.classes=\(source.classNames.count)")
        }
    }

    /// Scores every classifier of a method; the first decides which weights are the best.
    func probe(_ progress: ProgressLine) -> Probe {
        Probe { method in
            guard let method = method as? any ClassifyingMethod else {
                fatalError("\(type(of: method)) trains no classifier")
            }
            var values: [(name: String, value: Double)] = []
            var best: Double?
            for (index, (name, model)) in method.classifiers.enumerated() {
                let scores = try score(model, index == 0 ? progress : nil)
                values += [("\(name)_top1", scores.top1), ("\(name)_top5", scores.top5)]
                if let loss = scores.loss { values.append(("\(name)_loss", loss)) }
                best = best ?? scores.top1
            }
            return Probe.Reading(values: values, score: best)
        }
    }

    /// Scores a classifier; says which pictures cannot be read where there is a line to say it on.
    private func score(_ model: any ImageClassifier, _ progress: ProgressLine?) throws
        -> ClassifierScores
    {
        let device = model.parameters.first?.device ?? .cpu
        let options = LoaderOptions(threads: data.workers, toGPU: device != .cpu)
        let unread = UnreadPictures()
        let loader = try Loader(
            data.testPlan(for: source, pictures, imageSize: imageSize, channels: channels)
                .skippingBadFiles(),
            options: options, epochs: 1, report: unread.add)
        var scores = ClassifierScores()
        while let batch = try loader.next() {
            guard batch.count > 0 else { continue }
            let logits = noGrad {
                autocast(to: precision.autocast, on: device) {
                    model(batch.tensor().sent(to: device))
                }
            }
            scores.update(logits, labels: batch.labels)
        }
        if let note = unread.note(of: source.count, "test") { progress?.note(note) }
        return scores
    }
}

extension DataSettings {
    /// Every picture once, cut out as a test says.
    func testPlan(
        for source: any ImageSource, _ pictures: TestPictures, imageSize: Int, channels: Int,
        batchSize: Int = 256
    ) throws -> LoaderPlan {
        var plan = try evaluationPlan(
            for: source, imageSize: imageSize, channels: channels, batchSize: batchSize)
        plan.views = [
            ImagePipeline(
                [
                    Resize(
                        size: PixelSize(pictures.resized(imageSize)),
                        interpolation: pictures.interpolation),
                    CenterCrop(size: PixelSize(imageSize)),
                ], channels: channels, normalization: plan.views[0].normalization)
        ]
        return plan
    }
}
