import Foundation
import NN
import TensorFiles
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Checkpoints

/// featurenorm's encoder in files of our own making, and the settings that its program writes.
@Suite("featurenorm's encoder is loaded") struct FeatureNormLoadTests {
    private let folder: TemporaryFolder
    private let model: FeatureNormEncoder

    init() throws {
        folder = try TemporaryFolder()
        var config = FeatureNormEncoder.Config()
        (config.imageSize, config.patchSize, config.width) = (32, 4, 16)
        (config.depth, config.heads, config.headWidth) = (2, 2, 8)
        (config.queryKeyNorm, config.experts) = (nil, 3)
        (config.absolutePositions, config.maxRows, config.maxColumns) = (true, 8, 9)
        (config.registers, config.registerRows) = (2, 2)
        model = try FeatureNormEncoder(config, generator: Generator(seed: 1))
        model.evaluate()
    }

    /// A file with student, average and predictor, as one dictionary holds them.
    private func write(leavingOut end: String? = nil) throws -> String {
        let path = folder.file("00001.pt")
        let own = model.stateDict.filter { item in end.map { !item.name.hasSuffix($0) } ?? true }
        let student = own.map { ("encoder." + $0.name, Tensor.zeros(like: $0.tensor)) }
        let average = own.map { ("ema_encoder." + $0.name, $0.tensor) }
        let predictor = own.filter { $0.name.hasPrefix("blocks.") || $0.name.hasPrefix("proj_in") }
            .map { ("predictor." + $0.name, $0.tensor) }
        let statistics = [("running_batchnorm.running_mean", Tensor.zeros([1]))]
        let tensors = (student + average + predictor + statistics).map { name, tensor in
            let whole = tensor.detached().contiguous()
            let value = PyTorchWriter.Tensor(whole.dtype.elementType, shape: whole.shape) { body in
                try whole.withUnsafeBytes(body)
            }
            return (name, PyTorchWriter.Value.tensor(value))
        }
        try PyTorchWriter.write(.dictionary([("model", .dictionary(tensors))]), to: path)
        return path
    }

    private func settings(_ lines: [String]) throws {
        let text =
            ["conf:", "  num_image_channels: 3"] + lines.filter { !$0.hasPrefix("    ") }
            + ["  model:", "    encoder:", "      input_size: 48"]
            + lines.filter { $0.hasPrefix("    ") }
        try folder.write(text.joined(separator: "\n"), as: "config.yaml")
    }

    private var images: Tensor { .normal([2, 3, 32, 32], generator: Generator(seed: 5)) }

    @Test("the average is taken, the student can be; the predictor is no encoder")
    func parts() throws {
        let path = try write()
        try settings(["      use_rope2d: true"])
        let loaded = try CheckpointLoader(.init(heads: 2)).load(path)
        #expect(loaded.family.name == "featurenorm" && loaded.report.isComplete)
        #expect(loaded.pixels == .half)
        #expect(loaded.report.place == "model: ema_encoder.")
        let encoder = try #require(loaded.model as? FeatureNormEncoder)
        var expected = model.config
        // Nothing says how large the pictures are: as large as there are positions for.
        expected.imageSize = 32
        #expect(encoder.config == expected)
        expect(
            noGrad { encoder.feature(images) }, closeTo: noGrad { model.feature(images) }, .exact)
        #expect(loaded.report.unused.allSatisfy { $0.meaning != "outside of the encoder" })
        let student = try CheckpointLoader(.init(part: "encoder", heads: 2)).load(path)
        #expect(noGrad { student.model.feature(images) }.abs().max().item == 0)
        let summary = CheckpointSummary(try CheckpointSource(path: path))
        #expect(summary.encoders.count == 2)
    }

    @Test("heads that no tensor tells: assumed and said, given, or in config.yaml")
    func heads() throws {
        let path = try write()
        let assumed = try CheckpointLoader().load(path)
        #expect(
            assumed.report.notes == [
                "1 attention heads are assumed for the width 16: no tensor tells them; --heads gives "
                    + "another number"
            ])
        try settings(["      block_config:", "        attention_config: {num_attention_heads: 2}"])
        let told = try CheckpointLoader().load(path)
        let encoder = try #require(told.model as? FeatureNormEncoder)
        #expect(encoder.config.heads == 2 && told.report.notes.isEmpty)
    }

    @Test("config.yaml: positions, registers, merging, size; other programs' files say nothing")
    func settings() throws {
        let path = try write()
        try settings([
            "  validation_image_size: 24", "  num_register_tokens: 1",
            "      use_rope2d: true", "      norm_out_mode: dyntanh",
            "      tome_layerwise_merge_rate: 0.1", "      tome_merge_to_nearest_mult_of: 2",
        ])
        func config() throws -> FeatureNormEncoder.Config {
            let model = try CheckpointLoader(.init(heads: 2)).load(path).model
            return try #require(model as? FeatureNormEncoder).config
        }
        let found = try config()
        #expect(found.imageSize == 24 && found.registers == 1 && found.registerRows == 2)
        #expect(found.rotary && found.absolutePositions)
        #expect(found.mergeRate == 0.1 && found.mergeMultiple == 2)
        try folder.write("run: {method: mae}", as: "config.yaml")
        #expect(try config().rotary == false)
        try settings(["      use_rope2d: perhaps"])
        #expect {
            _ = try config()
        } throws: {
            "\($0)".contains("use_rope2d") && "\($0)".contains("'perhaps'")
                && "\($0)".contains("true or false")
        }
    }

    @Test("half an encoder is refused, and so are pictures beyond the positions")
    func refusals() throws {
        let path = try write(leavingOut: "mlp.fc2s")
        #expect {
            _ = try CheckpointLoader(.init(heads: 2)).load(path)
        } throws: { error in
            (error as? CheckpointError)?.report?.missing.map(\.name) == [
                "blocks.0.mlp.fc2s", "blocks.1.mlp.fc2s",
            ]
        }
        let whole = try write()
        #expect {
            _ = try CheckpointLoader(.init(heads: 2, imageSize: 36)).load(whole)
        } throws: {
            "\($0)".contains("9×9 patches") && "\($0)".contains("at most 8×9")
        }
        #expect {
            _ = try CheckpointLoader(.init(heads: 5)).load(whole)
        } throws: {
            ($0 as? CheckpointError)?.kind == .incomplete && "\($0)".contains("proj_qkv")
        }
        #expect {
            _ = try CheckpointLoader(.init(heads: 2)).loadClassifier(whole)
        } throws: {
            ($0 as? CheckpointError)?.kind == .noClassifier
        }
    }
}
