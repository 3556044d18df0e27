public import Checkpoints
public import VisionModels

/// A classifier with trained weights, and how its pictures are prepared.
public struct PretrainedClassifier {
    public let model: any ImageClassifier

    /// How pictures become tensors, as in the family's training.
    public let data: DataSettings

    /// Where the weights are from, for people.
    public let origin: String

    /// What of the file was loaded.
    public let coverage: CoverageReport

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
