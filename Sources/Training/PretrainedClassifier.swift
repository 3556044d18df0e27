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
        let records = Dictionary(try Self.tensors(of: file, path)) { first, _ in
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

    /// The tensors of the first entry that has a vision transformer's names, bare of prefixes.
    private static func tensors(
        of file: CheckpointFile, _ path: String
    ) throws -> [(String, TensorRecord)] {
        let all = try file.tensors()
        let marker = "patch_embed.proj.weight"
        guard let found = all.first(where: { $0.name.hasSuffix(marker) }) else {
            throw TensorFileError(
                .missingKey, file: path,
                problem: "holds no encoder: none of its \(all.count) tensors is called \(marker)",
                remedy: "`tessera checkpoint inspect` lists what it holds")
        }
        let prefix = found.name.dropLast(marker.count)
        return all.compactMap { name, tensor in
            name.hasPrefix(prefix) ? (String(name.dropFirst(prefix.count)), tensor) : nil
        }
    }
}
