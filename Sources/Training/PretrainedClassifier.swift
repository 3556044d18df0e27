import Configuration
import NN
import TensorFiles
import Torch
public import VisionModels

/// A classifier with trained weights, and how its pictures are prepared.
public struct PretrainedClassifier {
    public let model: ViTClassifier

    /// How pictures become tensors: the defaults, which are ImageNet's.
    public let data: DataSettings

    /// Where the weights are from, for people.
    public let origin: String

    /// The vision transformer with its head in a file of weights.
    ///
    /// - Parameters:
    ///   - path: safetensors or PyTorch's formats; every tensor beside the encoder's must fit.
    ///   - heads: of attention, where the width does not tell.
    /// - Returns: the classifier in evaluation mode.
    /// - Throws: `TensorFileError`, `ConfigurationError` or `LoadError` naming what does not fit; of
    ///   a file without a head that `head.weight` is missing.
    public static func load(file path: String, heads: Int? = nil) throws -> PretrainedClassifier {
        let file = try CheckpointFile(path: path)
        let records = Dictionary(try PretrainedEncoder.encoderTensors(in: file, path)) { first, _ in
            first
        }
        guard let head = records["head.weight"], head.shape.count == 2 else {
            throw TensorFileError(
                .missingKey, file: path, place: "head.weight",
                problem: "is missing or no matrix: the file holds an encoder without a classifier",
                remedy: "give a fine-tuned checkpoint, or evaluate the encoder with knn or linear")
        }
        var config = try VisionTransformer.Config(
            inferredFrom: records.mapValues(\.shape), heads: heads)
        config.positions = .learned
        let model = try Init.leavingOut {
            ViTClassifier(
                try VisionTransformer(config, generator: nil), classCount: head.shape[0],
                generator: nil)
        }
        try model.load(records, from: path)
        model.evaluate()
        return PretrainedClassifier(model: model, data: DataSettings(), origin: path)
    }
}
