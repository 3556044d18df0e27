import Checkpoints
import Configuration
import Data
import Evaluation
import Foundation
import Imaging
import NN
import Torch
import Training
import VisionModels

/// One classifier on all pictures of a source.
struct Validation {
    let settings: ValidationSettings
    let source: any ImageSource
    /// Where they are, for messages.
    let path: String
    let real: RealLabels?
    /// The columns of the logits that take part, by class number; nil for all.
    let validLabels: [Int]?
    let device: Device
    /// Which weights of a file.
    let weights: CheckpointLoader.Options

    func result(_ path: String, _ progress: SourceProgress) throws -> ValidationResult {
        let classifier = try ClassifierLoader.load(path, weights)
        if let report = classifier.coverage {
            progress.note(report.brief)
        }
        var pictures = classifier.pictures ?? TestPictures(cropPercent: 0.9)
        if let cropPercent = settings.cropPercent { pictures.cropPercent = cropPercent }
        if let interpolation = settings.interpolation { pictures.interpolation = interpolation }
        let model = classifier.model
        let labels = try classNumbers(model.classCount)
        if let note = try agreement(with: classifier) { progress.note(note) }
        let columns = validLabels.map { Tensor($0).to(device) }
        model.move(to: device)
        let size = try imageSize(of: model)
        let unread = UnreadPictures()
        let loader = try Loader(
            try plan(classifier.data, pictures, size, model.encoder.channels).skippingBadFiles(),
            options: options, epochs: 1, report: unread.add)
        var scores = ClassifierScores()
        var done = 0
        while let batch = try loader.next() {
            guard batch.count > 0 else { continue }
            var logits = noGrad {
                autocast(to: dtype, on: device) {
                    let images = batch.tensor().sent(to: device)
                    return settings.testPool ? model.testTimePooled(images) : model(images)
                }
            }
            if let columns {
                logits = logits.transposed(0, 1).selectingRows(columns).transposed(0, 1)
            }
            if let real {
                let sets = try batch.indices.map { real[try real.number(of: source.name(at: $0))] }
                scores.update(logits, real: sets, classes: validLabels)
            } else {
                scores.update(logits, labels: try batch.labels.map(labels))
            }
            done += batch.count
            progress.update(
                "\(path): \(done)/\(source.count)", isLast: done >= source.count)
        }
        if let note = unread.note(of: source.count, self.path) { progress.note(note) }
        return result(path, model, pictures, size, scores, unread.count)
    }

    /// Of the pictures that the model sees.
    private func imageSize(of model: any ImageClassifier) throws -> Int {
        let own = model.encoder.imageSize
        let size = settings.imageSize ?? own
        guard size % model.patchSize == 0 else {
            throw ConfigurationError.invalid(
                "imageSize", found: size,
                expected: "a multiple of the patch size, \(model.patchSize)")
        }
        guard settings.testPool else { return size }
        guard model.seesMean else {
            throw ConfigurationError.invalid(
                "testPool", found: true,
                expected: "false: the classifier sees a class token, not a mean of patches")
        }
        guard size >= own else {
            throw ConfigurationError.invalid(
                "imageSize", found: size, expected: "at least \(own), as testPool is true")
        }
        return size
    }

    private func result(
        _ path: String, _ model: any ImageClassifier, _ pictures: TestPictures, _ size: Int,
        _ scores: ClassifierScores, _ badFiles: Int
    ) -> ValidationResult {
        var result = ValidationResult(model: path)
        if scores.count > 0 {
            let (top1, top5) = (
                ValidationResult.rounded(scores.top1), ValidationResult.rounded(scores.top5)
            )
            (result.top1, result.top1Error) = (top1, ValidationResult.rounded(100 - top1))
            (result.top5, result.top5Error) = (top5, ValidationResult.rounded(100 - top5))
        } else {
            result.error = "no picture counts: none has a real label"
        }
        result.loss = scores.loss.map { ValidationResult.rounded($0) }
        result.parameterCount = ValidationResult.rounded(Double(model.parameterCount) / 1e6, 2)
        (result.imageSize, result.cropPercent) = (size, pictures.cropPercent)
        result.interpolation = pictures.interpolation.rawValue
        (result.batchSize, result.pictures) = (settings.batchSize, scores.count)
        result.badFiles = badFiles
        return result
    }

    private var dtype: DType? {
        settings.precision.map { $0 == .bf16 ? .bfloat16 : .float16 }
    }

    private var options: LoaderOptions {
        LoaderOptions(threads: settings.workers, toGPU: device != .cpu)
    }

    private func plan(
        _ data: DataSettings, _ pictures: TestPictures, _ size: Int, _ channels: Int
    ) throws -> LoaderPlan {
        var data = data
        if let mean = settings.mean { data.mean = mean }
        if let std = settings.std { data.std = std }
        var plan = try data.testPlan(
            for: source, pictures, imageSize: size, channels: channels,
            batchSize: settings.batchSize)
        if settings.cropMode == .squash {
            plan.views = [
                ImagePipeline(
                    [
                        Resize(
                            size: PixelSize(pictures.resized(size)), fit: .exact,
                            interpolation: pictures.interpolation),
                        CenterCrop(size: PixelSize(size)),
                    ], channels: channels, normalization: plan.views[0].normalization)
            ]
        }
        return plan
    }

    /// What is worth saying of the classes of a run and of the pictures.
    ///
    /// Throws `UsageError` where a number stands for different ones. Classes that are called by their
    /// numbers are taken at their word where those of the run have names.
    private func agreement(with classifier: PretrainedClassifier) throws -> String? {
        guard validLabels == nil, real == nil, let trained = classifier.classNames else {
            return nil
        }
        // As `classes.txt` has them.
        let own = source.classNames.map { $0.replacing("\n", with: " ") }
        if own == own.indices.map(String.init), !trained.contains("0") { return nil }
        return try ClassAgreement(trained, own).note(path)
    }

    /// From the source's labels to columns of the logits that take part.
    private func classNumbers(_ classCount: Int) throws -> (Int) throws -> Int {
        let known = source.classNames.count
        if let validLabels {
            guard validLabels.allSatisfy({ (0..<classCount).contains($0) }) else {
                throw UsageError(
                    "--valid-labels names classes beyond the \(classCount) of the model")
            }
            // A folder of the valid classes alone is numbered by itself.
            if known == validLabels.count { return { $0 } }
            let places = Dictionary(
                validLabels.enumerated().map { ($0.element, $0.offset) }
            ) { first, _ in first }
            return { label in
                guard let place = places[label] else {
                    throw UsageError(
                        "the pictures have class \(label), which --valid-labels does not name")
                }
                return place
            }
        }
        guard real != nil || known <= classCount else {
            throw UsageError(
                "the pictures have \(known) classes, the model \(classCount): give the pictures "
                    + "that it was trained for")
        }
        return { $0 }
    }
}
