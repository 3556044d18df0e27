import Checkpoints
import Configuration
import Data
import Evaluation
import Foundation
import Torch
import Training
import VisionModels

/// Finds the encoder that a user names: a run of any method, or weights of any known family.
enum EncoderLoader {
    /// The encoder at a path.
    ///
    /// - Parameters:
    ///   - path: the folder of a run, one of its checkpoints, or another's.
    ///   - options: what is known of another's checkpoint.
    /// - Returns: the encoder, in evaluation mode.
    /// - Throws: `UsageError` where there is nothing of that name, and what reading it throws.
    static func load(
        _ path: String, _ options: CheckpointLoader.Options = CheckpointLoader.Options()
    ) throws -> PretrainedEncoder {
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
            // A folder that is no run may be one of Hugging Face's.
            return try PretrainedEncoder.load(file: path, options)
        }
        let recipe = try Recipe(contentsOf: config)
        guard let name = recipe.text(at: "run.method") else {
            throw UsageError(
                "\(config) does not say run.method: \(folder.path) is no run of ours; of another "
                    + "program's name one of its checkpoints")
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
