import Checkpoints
import Foundation
import NN
import TensorFiles
import Torch
import VisionModels

/// Loads checkpoints that other libraries wrote and writes what the encoders make of pictures, and the
/// encoders themselves for those libraries: the part of `scripts/check-families` that is Tessera's.
///
/// Each argument is a folder with `model.safetensors` (or another checkpoint), `input.safetensors` with
/// `images` `[B, C, H, W]`, and perhaps `config.json`. Into it are written `tokens.safetensors`, with
/// logits where there is a classifier, `to-timm.safetensors` and the folder `to-huggingface`; a line of
/// JSON goes to standard output.
@main struct FamilyCheck {
    struct Line: Encodable {
        let folder: String
        var family: String?
        var coverage: Double?
        var report: String?
        var error: String?
        /// `written`, or why not, by target.
        var exports: [String: String] = [:]
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
        var outputs = noGrad { Self.outputs(of: loaded.model, images) }
        do {
            let classifier = try CheckpointLoader(options).loadClassifier(checkpoint).model
            outputs.append(("logits", noGrad { classifier(images) }))
        } catch let error as CheckpointError where error.kind == .noClassifier {
            // Most are encoders alone.
        }
        try SafeTensorsWriter.write(outputs, to: folder + "/tokens.safetensors")
        if let model = loaded.model as? VisionTransformer {
            line.exports["timm"] = export(model, .timm, to: folder + "/to-timm.safetensors")
            line.exports["huggingface"] = export(
                model, .huggingface, to: folder + "/to-huggingface")
        } else {
            let kind = "\(type(of: loaded.model))"
            line.exports = ["timm": "\(kind) has no export", "huggingface": ""]
        }
    }

    /// What is compared of an encoder.
    private static func outputs(
        of model: any VisionEncoder, _ images: Tensor
    ) -> [(name: String, tensor: Tensor)] {
        guard let last = model.lastBlocks(images, count: 1).last else { return [] }
        let tokens = model.final(last)
        return [("tokens", tokens), ("pooled", model.pooled(tokens))]
    }

    private static func export(
        _ model: VisionTransformer, _ target: ExportTarget, to path: String
    ) -> String {
        do {
            _ = try CheckpointExporter(target).write(model, to: path)
            return "written"
        } catch {
            return "\(error)"
        }
    }
}
