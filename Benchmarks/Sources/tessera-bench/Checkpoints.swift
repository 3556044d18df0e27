import Checkpoints
import Foundation
import NN
import TensorFiles
import Torch
import Training
import VisionModels

/// Loading a ViT-L/16 from a file into a model that can compute.
enum Checkpoints {
    /// The whole way from a path to a model in evaluation mode, which is kept until the next call.
    static func load(_ settings: Settings) -> () -> Void {
        var model: (any VisionEncoder)?
        return {
            model = nil
            do {
                model = try PretrainedEncoder.load(
                    file: settings.file, .init(heads: 16)
                ).model
            } catch {
                fatalError("\(error)")
            }
            precondition(model?.width == 1024)
        }
    }

    /// The two files of one model of random weights: ours, and the peer's of the same tensors.
    ///
    /// Both are read once, so that they lie in the system's cache.
    static func write(in folder: String, python: String, peers: String) throws
        -> (safeTensors: String, pth: String?)
    {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let (ours, peer) = (folder + "/vit-large.safetensors", folder + "/vit-large.pth")
        var config = VisionTransformer.Config()
        (config.width, config.depth, config.heads) = (1024, 24, 16)
        config.positions = .learned
        let model = try VisionTransformer(config, generator: Generator(seed: 0))
        try SafeTensorsWriter.write(model.stateDict, to: ours)
        guard !python.isEmpty else { return (ours, nil) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = [peers + "/checkpoints.py", ours, peer]
        try process.run()
        process.waitUntilExit()
        for path in [ours, peer] {
            guard let file = FileHandle(forReadingAtPath: path) else { continue }
            while let piece = try file.read(upToCount: 16 << 20), !piece.isEmpty {}
        }
        return (ours, process.terminationStatus == 0 ? peer : nil)
    }
}
