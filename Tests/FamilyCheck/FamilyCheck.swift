import Checkpoints
import Foundation
import NN
import TensorFiles
import Torch
import VisionModels

/// Loads checkpoints that other libraries wrote and writes what the encoders make of pictures: the
/// part of `scripts/check-families` that is Tessera's.
///
/// Each argument is a folder with `model.safetensors` (or another checkpoint), `input.safetensors` with
/// `images` `[B, C, H, W]`, and perhaps `config.json`; `tokens.safetensors` is written into it, and a
/// line of JSON to standard output.
@main struct FamilyCheck {
    struct Line: Encodable {
        let folder: String
        var family: String?
        var coverage: Double?
        var report: String?
        var error: String?
    }

    static func main() throws {
        try LibTorch.load()
        TorchSettings.threadCount = 2
        for folder in CommandLine.arguments.dropFirst() {
            var line = Line(folder: folder)
            do {
                try check(folder, &line)
            } catch {
                line.error = "\(error)"
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(line), as: UTF8.self))
        }
    }

    private static func check(_ folder: String, _ line: inout Line) throws {
        let input = try SafeTensorsFile(path: folder + "/input.safetensors")
        let images = try Tensor(input.tensor("images"))
        let options = CheckpointLoader.Options(
            heads: input.metadata["heads"].flatMap { Int($0) },
            imageSize: input.metadata["imageSize"].flatMap { Int($0) })
        let checkpoint = input.metadata["checkpoint"].map { "\(folder)/\($0)" } ?? folder
        let loaded = try CheckpointLoader(options).load(checkpoint)
        line.family = loaded.family.name
        line.coverage = loaded.report.coverage
        line.report = loaded.report.description
        let outputs = try noGrad { try EncoderOutputs.of(loaded, images) }
        try SafeTensorsWriter.write(outputs, to: folder + "/tokens.safetensors")
    }
}

/// What is compared of an encoder.
enum EncoderOutputs {
    static func of(
        _ loaded: CheckpointLoader.Loaded, _ images: Tensor
    ) throws -> [(name: String, tensor: Tensor)] {
        let model = loaded.model
        guard let last = model.lastBlocks(images, count: 1).last else { return [] }
        let tokens = model.final(last)
        return [("tokens", tokens), ("pooled", model.pooled(tokens))]
    }
}
