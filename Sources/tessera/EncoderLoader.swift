import Configuration
import Data
import Evaluation
import Foundation
import Torch
import Training
import VisionModels

/// Finds the encoder that a user names: a run of any method, or a file of weights.
enum EncoderLoader {
    static func load(_ path: String) throws -> PretrainedEncoder {
        try LibTorch.load()
        let url = URL(fileURLWithPath: path)
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw UsageError(
                "\(path) does not exist: --weights takes the folder of a run or a checkpoint")
        }
        // A checkpoint of a run lies in <run>/checkpoints.
        let folder =
            isFolder.boolValue
            ? url : url.deletingLastPathComponent().deletingLastPathComponent()
        let config = folder.appendingPathComponent("config.yaml").path
        guard FileManager.default.fileExists(atPath: config) else {
            guard !isFolder.boolValue else {
                throw UsageError("\(path) is no run: config.yaml is missing")
            }
            return try PretrainedEncoder.load(file: path)
        }
        let recipe = try Recipe(contentsOf: config)
        guard let name = recipe.text(at: "run.method") else {
            throw UsageError("\(config) does not say run.method")
        }
        return try load(
            Registry.method(named: name), run: folder, file: isFolder.boolValue ? nil : url)
    }

    private static func load<Method: PretrainingMethod>(
        _: Method.Type, run folder: URL, file: URL?
    ) throws -> PretrainedEncoder {
        try PretrainedEncoder.load(Method.self, run: folder, file: file).encoder
    }
}

/// The features of the training and the test part of a data set.
enum FeaturePair {
    static func extract(
        _ encoder: PretrainedEncoder, data path: String, _ config: FeatureExtractor.Config,
        progress: ProgressLine
    ) throws -> (train: Features, test: Features) {
        let extractor = try FeatureExtractor(encoder.model, config)
        let train = try extract(extractor, encoder, path, .train, progress)
        let test = try extract(extractor, encoder, path, .validation, progress)
        return (train, test)
    }

    private static func extract(
        _ extractor: FeatureExtractor, _ encoder: PretrainedEncoder, _ path: String,
        _ split: Split, _ progress: ProgressLine
    ) throws -> Features {
        let source = try openSource(path, split: split)
        guard source.isLabelled else {
            throw UsageError(
                "the pictures in \(path) have no labels: an evaluation needs a folder for each class"
            )
        }
        let batches = try EvaluationBatches(
            source, data: encoder.data, model: encoder.model.config)
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
        _ source: any ImageSource, data: DataSettings, model: VisionTransformer.Config,
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
