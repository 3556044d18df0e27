import Checkpoints
import Data
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
        guard FileManager.default.fileExists(atPath: path) else {
            throw UsageError(
                "\(path) does not exist: --weights takes the folder of a run or a checkpoint")
        }
        guard let run = try NamedRun(of: url) else {
            guard !FileManager.default.fileExists(atPath: path + "/config.yaml") else {
                throw UsageError(
                    "\(path)/config.yaml does not say run.method: \(path) is no run of ours; of "
                        + "another program's name one of its checkpoints")
            }
            // A folder that is no run may be one of Hugging Face's.
            try CheckpointSource(path: path).verify()
            return try PretrainedEncoder.load(file: path, options)
        }
        return try load(run.method, run: run.folder, file: run.checkpoint(at: path))
    }

    private static func load<Method: PretrainingMethod>(
        _: Method.Type, run folder: URL, file: URL?
    ) throws -> PretrainedEncoder {
        try PretrainedEncoder.load(Method.self, run: folder, file: file).encoder
    }
}
