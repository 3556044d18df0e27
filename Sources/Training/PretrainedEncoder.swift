import Configuration
public import Foundation
import NN
import TensorFiles
import Torch
public import VisionModels

/// An encoder with trained weights, and how its pictures were prepared.
public struct PretrainedEncoder {
    public let model: any VisionEncoder

    /// How pictures became tensors in training.
    public let data: DataSettings

    /// Where the weights are from, for people.
    public let origin: String

    /// The folder of the run, where the weights are from one.
    public let runFolder: URL?

    public init(model: any VisionEncoder, data: DataSettings, origin: String, runFolder: URL? = nil)
    {
        self.model = model
        self.data = data
        self.origin = origin
        self.runFolder = runFolder
    }
}

extension PretrainedEncoder {
    /// The encoder of a run of `Method`, from its newest checkpoint or from one of its files.
    ///
    /// `file` is a checkpoint of the run; nil takes the newest that is intact. Throws
    /// `RunFolderError` without a usable one, and what reading it throws.
    public static func load<Method: PretrainingMethod>(
        _: Method.Type, run folder: URL, file: URL? = nil
    ) throws -> (
        encoder: PretrainedEncoder, method: Method, settings: RunConfiguration<Method.Config>
    ) {
        let recipe = try Recipe(contentsOf: folder.appendingPathComponent("config.yaml").path)
        let settings = try RunConfiguration<Method.Config>.resolve(recipe: recipe).value
        let store = CheckpointStore(folder.appendingPathComponent("checkpoints"), keep: 1)
        guard let url = file ?? store.newest() else {
            throw RunFolderError("\(folder.path)/checkpoints holds no intact checkpoint")
        }
        let generator = Generator(seed: settings.run.seed)
        let backbone = try VisionTransformer(settings.model, generator: generator)
        let method = try Method(settings.method, backbone: backbone, generator: generator)
        try method.load(
            TrainingState.model(in: SafeTensorsFile(path: url.path)), from: url.path)
        method.evaluate()
        let encoder = PretrainedEncoder(
            model: method.backbone, data: settings.data, origin: url.path, runFolder: folder)
        return (encoder, method, settings)
    }

    /// The encoder in a file of weights: ours, or another's with ViT names.
    ///
    /// safetensors, or PyTorch's formats, which are read without executing anything. The weights
    /// may be the whole file or its entry `model`; those of a decoder or a head are left aside.
    ///
    /// `heads` is the number of attention heads, where the width does not tell it. Throws
    /// `TensorFileError`, `ConfigurationError` or `LoadError` naming what does not fit.
    public static func load(file path: String, heads: Int? = nil) throws -> PretrainedEncoder {
        let file = try CheckpointFile(path: path)
        let records = Dictionary(try encoderTensors(in: file, path)) { first, _ in first }
        let shapes = records.mapValues(\.shape)
        var config = try VisionTransformer.Config(inferredFrom: shapes, heads: heads)
        config.positions = .learned
        let model = try VisionTransformer(config, generator: Generator(seed: 0))
        let own = Set(model.stateDict.map(\.name))
        let tensors = try records.filter { own.contains($0.key) }.mapValues { try Tensor($0) }
        try model.load(tensors, from: path)
        model.evaluate()
        return PretrainedEncoder(model: model, data: DataSettings(), origin: path)
    }

    /// The tensors of the first entry that has a vision transformer's names, bare of prefixes.
    private static func encoderTensors(
        in file: CheckpointFile, _ path: String
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
