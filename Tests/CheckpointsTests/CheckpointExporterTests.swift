import Foundation
import NN
import TensorFiles
import Testing
import Torch
import VisionModels

@testable import Checkpoints

/// Encoders written for other programs; `scripts/check-families` has those programs read them.
@Suite("Exporting checkpoints") struct CheckpointExporterTests {
    /// Each target, with the form of model that it is asked for and the family that it is to be.
    static let forms:
        [(
            target: ExportTarget, family: String,
            change: @Sendable (inout VisionTransformer.Config) -> Void
        )] = [
            (.safetensors, "timm", { _ in }),
            (.timm, "timm", { ($0.layerScale, $0.registers) = (0.1, 2) }),
            (.timm, "timm", { ($0.preNorm, $0.patchBias, $0.normEps) = (true, false, 1e-5) }),
            (.mae, "mae", { $0.positions = .sinCos }),
            (.ibot, "ibot", { $0.layerScale = 0.1 }),
            (.vissl, "vissl", { $0.classToken = false }),
            (.huggingface, "hf-vit", { _ in }),
            (.huggingface, "hf-ijepa", { $0.classToken = false }),
            (.huggingface, "hf-dinov2", { $0.layerScale = 0.1 }),
            (
                .huggingface, "hf-dinov2",
                {
                    ($0.layerScale, $0.registers) = (0.1, 2)
                    $0.positionedTokens = .classAndPatches
                }
            ),
            (
                .huggingface, "hf-clip",
                { ($0.preNorm, $0.patchBias, $0.mlp) = (true, false, .quickGELU) }
            ),
        ]

    private func model(
        _ change: (inout VisionTransformer.Config) -> Void
    ) throws -> VisionTransformer {
        var config = VisionTransformer.Config()
        (config.imageSize, config.patchSize, config.width) = (16, 4, 24)
        (config.depth, config.heads, config.positions) = (2, 3, .learned)
        change(&config)
        let generator = Generator(seed: 3)
        let model = try VisionTransformer(config, generator: generator)
        noGrad {
            for parameter in model.parameters {
                parameter.copyInPlace(
                    parameter + Tensor.normal(parameter.shape, generator: generator) * 0.2)
            }
        }
        model.evaluate()
        return model
    }

    @Test("what was written gives the same tokens", arguments: forms.indices)
    func roundTrip(index: Int) throws {
        let form = Self.forms[index]
        let folder = try TemporaryFolder()
        let path = folder.file("export.\(form.target == .huggingface ? "d" : "pth")")
        let written = try CheckpointExporter(form.target).write(model(form.change), to: path)
        #expect(written.family == form.family)
        #expect(written.difference <= 1e-5)
        for file in written.files { #expect(FileManager.default.fileExists(atPath: file)) }
        let loaded = try CheckpointLoader(.init(heads: 3)).load(path)
        #expect(loaded.report.coverage == 1)
    }

    @Test("a target refuses what it has no model for")
    func refusals() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("export.pth")
        let cases: [(ExportTarget, (inout VisionTransformer.Config) -> Void, String)] = [
            (.mae, { $0.registers = 1 }, "more than one token"),
            (.mae, { $0.layerScale = 1 }, "LayerScale"),
            (.ibot, { $0.classToken = false }, "patches alone"),
            (.vissl, { $0.mlp = .swiGLU }, "swiGLU"),
            (.huggingface, { $0.queryKeyNorm = true }, "norms of queries"),
        ]
        for (target, change, reason) in cases {
            let model = try model(change)
            let error = try #require(
                throws: CheckpointError.self
            ) { try CheckpointExporter(target).write(model, to: path) }
            #expect(error.description.contains(reason), "\(error)")
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }
}
