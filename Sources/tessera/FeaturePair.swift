import Configuration
import Data
import Evaluation
import Torch
import Training
import VisionModels

/// The features of the training and the test part of a data set.
enum FeaturePair {
    /// Extracts the features of both parts.
    ///
    /// - Parameters:
    ///   - encoder: what makes features of pictures.
    ///   - path: labelled pictures with a training and a test part.
    ///   - config: what of the encoder's tokens is used.
    ///   - silent: whether nothing is said about progress and the data.
    /// - Returns: the features, with labels that mean the same classes in both.
    /// - Throws: `UsageError` for pictures without labels, or whose parts have different classes;
    ///   `DataError` for what cannot be read.
    static func extract(
        _ encoder: PretrainedEncoder, data path: String, _ config: FeatureExtractor.Config,
        silent: Bool
    ) throws -> (train: Features, test: Features) {
        // Both before the work: what is wrong with the test part must not come up hours later.
        let progress = SourceProgress(silent: silent)
        let (train, test) = (
            try open(path, .train, progress), try open(path, .validation, progress)
        )
        if let note = try ClassAgreement(train.classNames, test.classNames).note(path) {
            progress.note(note)
        }
        let extractor = try FeatureExtractor(encoder.model, config)
        return (
            try extract(extractor, encoder, train, .train, progress),
            try extract(extractor, encoder, test, .validation, progress)
        )
    }

    private static func open(_ path: String, _ split: Split, _ progress: SourceProgress) throws
        -> any ImageSource
    {
        let source = try openSource(path, split: split, options: progress.options)
        for note in source.notes { progress.note("\(split.rawValue): \(note)") }
        guard source.isLabelled else {
            throw UsageError(
                "the pictures in \(path) have no labels: an evaluation needs a folder for each class"
            )
        }
        return source
    }

    private static func extract(
        _ extractor: FeatureExtractor, _ encoder: PretrainedEncoder, _ source: any ImageSource,
        _ split: Split, _ progress: SourceProgress
    ) throws -> Features {
        let batches = try EvaluationBatches(
            source, data: encoder.data, model: encoder.model)
        let features = extractor.extract(batches, classNames: source.classNames) { done in
            progress.update(
                "features of \(split.rawValue): \(done)/\(source.count)",
                isLast: done == source.count)
        }
        if let error = batches.error { throw error }
        return features
    }
}

/// Every picture of a source once, in order, as the encoder is evaluated on it.
final class EvaluationBatches: Sequence, IteratorProtocol {
    private let loader: Loader
    /// What ended the sequence early.
    private(set) var error: (any Error)?

    init(
        _ source: any ImageSource, data: DataSettings, model: any VisionEncoder,
        batchSize: Int = 256
    ) throws {
        loader = try Loader(
            data.evaluationPlan(
                for: source, imageSize: model.imageSize, channels: model.channels,
                batchSize: batchSize), epochs: 1)
    }

    func next() -> LabelledBatch? {
        do {
            guard let batch = try loader.next() else { return nil }
            return LabelledBatch(images: batch.tensor(), labels: batch.labels)
        } catch {
            self.error = error
            return nil
        }
    }
}
