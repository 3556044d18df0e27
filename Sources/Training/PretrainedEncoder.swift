public import Checkpoints
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

    /// What of a file of weights was loaded; nil for a run of ours, which is loaded whole.
    public let coverage: CoverageReport?

    public init(
        model: any VisionEncoder, data: DataSettings, origin: String, runFolder: URL? = nil,
        coverage: CoverageReport? = nil
    ) {
        self.model = model
        self.data = data
        self.origin = origin
        self.runFolder = runFolder
        self.coverage = coverage
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
        let url = try file ?? CheckpointStore.newest(ofRun: folder)
        let generator = Generator(seed: settings.run.seed)
        let backbone = try settings.model.encoder(generator: generator)
        let method = try Method(settings.method, backbone: backbone, generator: generator)
        try method.load(
            TrainingState.model(in: SafeTensorsFile(path: url.path)), from: url.path)
        method.evaluate()
        let encoder = PretrainedEncoder(
            model: method.backbone, data: settings.data, origin: url.path, runFolder: folder)
        return (encoder, method, settings)
    }

    /// The encoder in a file of weights that anybody wrote, of any family of `CheckpointFamily.all`.
    ///
    /// safetensors, whole or in shards, or PyTorch's formats, which are read without executing
    /// anything. Heads and decoders are left aside.
    ///
    /// `options` says what the file does not. Throws `TensorFileError` for a file that cannot be
    /// read, `CheckpointError` for one without a known encoder or with half of one.
    public static func load(
        file path: String, _ options: CheckpointLoader.Options = CheckpointLoader.Options()
    ) throws -> PretrainedEncoder {
        let loaded = try CheckpointLoader(options).load(path)
        return PretrainedEncoder(
            model: loaded.model,
            data: DataSettings(pixels: loaded.pixels, channels: loaded.model.channels),
            origin: path, coverage: loaded.report)
    }
}
