public import Checkpoints
public import Foundation
public import VisionModels

/// A classifier with trained weights, and how its pictures are prepared.
public struct PretrainedClassifier {
    public let model: any ImageClassifier

    /// How pictures become tensors, as in the family's training.
    public let data: DataSettings

    /// Where the weights are from, for people.
    public let origin: String

    /// What of the file was loaded; nil for a run of ours, which is loaded whole.
    public let coverage: CoverageReport?

    /// How the run that it is from cut its test pictures out; nil for files of others.
    public let pictures: TestPictures?

    /// The classes of the run that it is from, in the order of the logits; nil for files of others.
    public let classNames: [String]?

    init(
        model: any ImageClassifier, data: DataSettings, origin: String,
        coverage: CoverageReport? = nil, pictures: TestPictures? = nil,
        classNames: [String]? = nil
    ) {
        self.model = model
        self.data = data
        self.origin = origin
        self.coverage = coverage
        self.pictures = pictures
        self.classNames = classNames
    }

    /// The classifier of a run of `Method`, from its newest checkpoint or from one of its files: the
    /// average of the weights where that leads the run.
    ///
    /// `file` is a checkpoint of the run; nil takes the newest that is intact. With `prefersAverage` the
    /// average is taken also where it stands beside the weights. Throws `RunFolderError` for a run
    /// without the average that is asked for, and what `PretrainedEncoder.load(_:run:file:)` throws.
    public static func load<Method: ClassifyingMethod>(
        _: Method.Type, run folder: URL, file: URL? = nil, prefersAverage: Bool = false
    ) throws -> PretrainedClassifier {
        let (encoder, method, settings) = try PretrainedEncoder.load(
            Method.self, run: folder, file: file)
        let average = method.classifiers.first { $0.name == "ema" }
        if prefersAverage, average == nil {
            throw RunFolderError(
                "\(folder.relativePath) has no average of the weights: its method.average is null")
        }
        guard let chosen = prefersAverage ? average : method.classifiers.first else {
            fatalError("\(Method.name) has no classifier")
        }
        return PretrainedClassifier(
            model: chosen.model, data: encoder.data, origin: encoder.origin,
            pictures: settings.method.testPictures(imageSize: settings.model.imageSize),
            classNames: RunFolder.classNames(in: folder))
    }

    /// The encoder with its head in a file of weights that anybody wrote, of any family that has one.
    ///
    /// - Parameters:
    ///   - path: of a file, an index of shards, or a folder.
    ///   - options: what the file does not say.
    /// - Returns: the classifier in evaluation mode.
    /// - Throws: what `CheckpointLoader.loadClassifier(_:)` throws.
    public static func load(
        file path: String, _ options: CheckpointLoader.Options = CheckpointLoader.Options()
    ) throws -> PretrainedClassifier {
        let loaded = try CheckpointLoader(options).loadClassifier(path)
        return PretrainedClassifier(
            model: loaded.model,
            data: DataSettings(pixels: loaded.pixels, channels: loaded.model.encoder.channels),
            origin: path, coverage: loaded.report)
    }
}

extension DataSettings {
    /// The defaults, with the normalisation of a checkpoint's training where it has as many channels.
    init(pixels: PixelStatistics, channels: Int) {
        self.init()
        if channels == pixels.mean.count { (mean, std) = (pixels.mean, pixels.std) }
    }
}
