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
            (.ijepa, "ijepa", { $0.classToken = false }),
            (.stop, "ijepa", { ($0.classToken, $0.masksPatches) = (false, true) }),
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
            // Positions change their rows: timm has none for the class token here, DINOv2 has one.
            (
                .timm, "timm",
                {
                    ($0.layerScale, $0.registers) = (0.1, 4)
                    $0.positionedTokens = .classAndPatches
                }
            ),
            (
                .huggingface, "hf-dinov2",
                {
                    ($0.layerScale, $0.registers) = (0.1, 2)
                    $0.positionedTokens = .patches
                }
            ),
            (
                .huggingface, "hf-dinov2",
                { ($0.layerScale, $0.registers, $0.positionedTokens) = (0.1, 3, .all) }
            ),
            (.mae, "mae", { ($0.positionedTokens, $0.masksPatches) = (.patches, true) }),
            (.ibot, "ibot", { $0.masksPatches = true }),
            (.huggingface, "hf-vit", { $0.distillationToken = true }),
            (
                .huggingface, "hf-beit",
                {
                    $0.qkvBias = .queryAndValue
                    ($0.pooling, $0.finalNorm) = (.mean, .pooled)
                }
            ),
            (
                .huggingface, "hf-dinov3",
                { ($0.rotary, $0.positions, $0.layerScale) = (.dinoV3, .none, 0.1) }
            ),
            (
                .timm, "dinov3-timm",
                {
                    ($0.rotary, $0.positions, $0.layerScale) = (.dinoV3, .none, 0.1)
                    ($0.registers, $0.qkvBias) = (4, .queryAndValue)
                }
            ),
            (
                .timm, "eva02",
                {
                    ($0.rotary, $0.qkvBias, $0.mlp) = (.eva02, .queryAndValue, .swiGLU)
                    $0.mlpNorm = true
                }
            ),
            (.timm, "timm", { ($0.preNorm, $0.patchBias, $0.mlp) = (true, false, .quickGELU) }),
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
        #expect(written.untold.isEmpty == (form.target == .huggingface))
        let loaded = try CheckpointLoader(.init(heads: 3)).load(path)
        #expect(loaded.report.coverage == 1)
    }

    /// `from_vissl.py` of StoP's code.
    @Test(
        "a trunk of VISSL becomes a target encoder again, number by number",
        arguments: [(.ijepa, "module."), (.stop, "")] as [(ExportTarget, String)])
    func trunk(target: ExportTarget, start: String) throws {
        let folder = try TemporaryFolder()
        let (trunk, path) = (folder.file("jepa_vissl"), folder.file("jepa.pth.tar"))
        let model = try model { ($0.classToken, $0.positions) = (false, .sinCos) }
        _ = try CheckpointExporter(.vissl).write(model, to: trunk)
        let loader = CheckpointLoader(.init(heads: 3))
        let encoder = try loader.load(trunk).visionTransformer()
        let written = try CheckpointExporter(target).write(encoder, to: path)
        #expect(written.family == "ijepa" && written.difference <= 1e-5)

        let before = try CheckpointFile(path: trunk).tensors(
            under: ["classy_state_dict", "base_model", "model", "trunk"]
        ).sorted { $0.name < $1.name }
        let after = try CheckpointFile(path: path).tensors(under: ["target_encoder"])
            .sorted { $0.name < $1.name }
        #expect(after.map(\.name) == before.map { start + $0.name })
        for (new, old) in zip(after, before) {
            #expect(new.tensor.shape == old.tensor.shape, "\(old.name)")
            #expect(new.tensor.doubles() == old.tensor.doubles(), "\(old.name)")
        }
        // Nothing lies beside it, and it is taken for what it is.
        #expect(try CheckpointFile(path: path).tensors().count == before.count)
        let loaded = try loader.load(path)
        let place = start.isEmpty ? "target_encoder" : "target_encoder: module."
        #expect(loaded.family.name == "ijepa" && loaded.report.place == place)
        #expect(loaded.report.isComplete && loaded.report.coverage == 1)
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
            (.ijepa, { _ in }, "a class token"),
            (.ijepa, { ($0.classToken, $0.patchBias) = (false, false) }, "without bias"),
            (.stop, { ($0.classToken, $0.layerScale) = (false, 0.1) }, "LayerScale"),
            (.stop, { ($0.classToken, $0.queryKeyNorm) = (false, true) }, "inside of attention"),
            (.huggingface, { $0.queryKeyNorm = true }, "norms of queries"),
            (
                .huggingface, { ($0.pooling, $0.finalNorm) = (.mean, .pooled) },
                "a norm of the mean"
            ),
            (.timm, { ($0.rotary, $0.positions) = (.eva02, .none) }, "a bias of k"),
            (.timm, { $0.stem = .init(channels: [4], strides: [$0.patchSize, 1]) }, "strides"),
            (
                .safetensors, { $0.stem = .init(channels: [4], strides: [$0.patchSize, 1]) },
                "strides"
            ),
            (
                .timm,
                { ($0.rotary, $0.positions, $0.qkvBias) = (.dinoV3, .none, .none) }, "no registers"
            ),
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
