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
