import Foundation
import NN
import TensorFiles
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Checkpoints

/// Checkpoints of encoders that are no vision transformers.
@Suite("Swin and CLIP's ResNet are loaded") struct TowerTests {
    private let folder: TemporaryFolder
    private let swin: SwinTransformer

    init() throws {
        folder = try TemporaryFolder()
        var config = SwinTransformer.Config()
        (config.imageSize, config.patchSize, config.width) = (48, 4, 8)
        (config.depths, config.heads, config.window) = ([2, 2], [1, 2], 6)
        config.absolutePositions = true
        swin = try SwinTransformer(config, generator: Generator(seed: 1))
        swin.evaluate()
    }

    private func write(_ tensors: [(name: String, tensor: Tensor)]) throws -> String {
        let path = folder.file("weights.safetensors")
        try SafeTensorsWriter.write(tensors, to: path)
        return path
    }

    private func images(_ size: Int) -> Tensor {
        .normal([2, 3, size, size], generator: Generator(seed: 5))
    }

    @Test("a Swin's shape, tensors and cells")
    func swinTransformer() throws {
        let loaded = try CheckpointLoader().load(try write(swin.stateDict))
        #expect(loaded.family.name == "swin" && loaded.report.isComplete)
        #expect(loaded.report.unused.map(\.meaning) == ["follows from the shape of the model"])
        let model = try #require(loaded.model as? SwinTransformer)
        #expect(model.config == swin.config)
        expect(
            noGrad { model.feature(images(48)) }, closeTo: noGrad { swin.feature(images(48)) },
            .exact)
    }

    @Test("at another size windows and positions are resized, and it says so")
    func resizedSwin() throws {
        let path = try write(swin.stateDict)
        let loaded = try CheckpointLoader(.init(imageSize: 40)).load(path)
        let resized = loaded.report.loaded.filter { $0.resized != nil }
        // The second stage has 5 × 5 cells, less than a window.
        #expect(
            resized.map(\.name) == [
                "absolute_pos_embed", "layers.1.blocks.0.attn.relative_position_bias_table",
                "layers.1.blocks.1.attn.relative_position_bias_table",
            ])
        #expect(resized[0].resized == "from 12×12 to 10×10 patches by bicubic")
        #expect(resized[1].resized == "from 11×11 offsets to a window of 5×5 by bicubic")
        let own = Dictionary(uniqueKeysWithValues: swin.stateDict)
        let found = Dictionary(uniqueKeysWithValues: loaded.model.stateDict)
        let name = resized[1].name
        let expected = try RelativeBiasResize.swin.fitting(
            try #require(own[name]), to: PatchGrid(rows: 5, columns: 5), extraRows: 0)
        expect(try #require(found[name]), closeTo: expected, .exact)
    }

    @Test("into a classifier of another window; tables of other heads are missing, by name")
    func swinClassifier() throws {
        var config = swin.config
        (config.imageSize, config.window, config.savesMasks) = (80, 5, true)
        let larger = SwinClassifier(
            try SwinTransformer(config, generator: Generator(seed: 2)), classCount: 3,
            generator: Generator(seed: 2))
        let path = try write(swin.stateDict)
        let report = try CheckpointLoader().load(into: larger, from: path)
        #expect(report.isComplete && report.computed == ["head.weight", "head.bias"])
        #expect(report.loaded.count { $0.resized != nil } == 5)

        config.heads = [2, 2]
        let other = try SwinTransformer(config, generator: Generator(seed: 2))
        #expect {
            try CheckpointLoader().load(into: other, from: path)
        } throws: { error in
            (error as? CheckpointError)?.report?.missing.map(\.name) == [
                "layers.0.blocks.0.attn.relative_position_bias_table",
                "layers.0.blocks.1.attn.relative_position_bias_table",
            ]
        }
        #expect {
            _ = try CheckpointLoader(.init(heads: 4)).load(path)
        } throws: {
            "\($0)".contains("heads") && "\($0)".contains(path)
        }
    }

    @Test("a Swin's classifier; one of another length is refused")
    func classifier() throws {
        let model = SwinClassifier(swin, classCount: 3, generator: Generator(seed: 2))
        model.evaluate()
        let loaded = try CheckpointLoader().loadClassifier(try write(model.stateDict))
        #expect(loaded.model.classCount == 3 && loaded.report.isComplete)
        expect(noGrad { loaded.model(images(48)) }, closeTo: noGrad { model(images(48)) }, .exact)
        let path = try write(swin.stateDict + [("head.weight", .zeros([3, 2 * swin.width]))])
        #expect {
            _ = try CheckpointLoader().loadClassifier(path)
        } throws: { error in
            (error as? CheckpointError)?.kind == .noClassifier
                && "\(error)".contains("the classifier sees 32 numbers, the encoder gives 16")
        }
    }

    @Test("DINOv2's joined classifier needs a class token and a norm, or is refused")
    func joinedClassifier() throws {
        var config = VisionTransformer.Config()
        (config.imageSize, config.patchSize, config.positions) = (16, 8, .learned)
        (config.width, config.depth, config.heads, config.layerScale) = (12, 1, 3, 1)
        let model = try VisionTransformer(config, generator: Generator(seed: 3))
        let tensors =
            CheckpointFamily.huggingFaceDINOv2.names.inverse(model.stateDict)
            .map { ("dinov2." + $0.name, $0.tensor) }
            + [("classifier.weight", .zeros([5, 24])), ("classifier.bias", .zeros([5]))]
        let whole = try CheckpointLoader(.init(heads: 3)).loadClassifier(try write(tensors))
        #expect(whole.model.classCount == 5 && !whole.model.seesMean)
        #expect(noGrad { whole.model(images(16)) }.shape == [2, 5])
        let path = try write(tensors.filter { !$0.0.hasPrefix("dinov2.layernorm") })
        #expect {
            _ = try CheckpointLoader(.init(heads: 3)).loadClassifier(path)
        } throws: {
            ($0 as? CheckpointError)?.kind == .noClassifier
        }
    }

    @Test("CLIP's ResNet beside the tower of texts, at its own and another size")
    func residualNetwork() throws {
        var config = ModifiedResNet.Config()
        (config.imageSize, config.width, config.depths) = (64, 8, [1, 2, 1, 1])
        (config.heads, config.embedding) = (4, 6)
        let model = try ModifiedResNet(config, generator: Generator(seed: 1))
        model.evaluate()
        let path = try write(
            model.stateDict.map { ("visual." + $0.name, $0.tensor) }
                + [("transformer.resblocks.0.ln_1.weight", .ones([4])), ("logit_scale", .ones([]))])
        let loaded = try CheckpointLoader().load(path)
        #expect(loaded.family.name == "clip-resnet" && loaded.report.isComplete)
        #expect(loaded.report.unused.allSatisfy { $0.meaning != "outside of the encoder" })
        let found = try #require(loaded.model as? ModifiedResNet)
        #expect(found.config == config)
        expect(noGrad { found(images(64)) }, closeTo: noGrad { model(images(64)) }, .exact)

        let larger = try CheckpointLoader(.init(imageSize: 96)).load(path)
        let resized = larger.report.loaded.filter { $0.resized != nil }
        #expect(resized.map(\.name) == ["attnpool.positional_embedding"])
        #expect(resized[0].resized == "from 2×2 to 3×3 patches by bicubic")
        let network = try #require(larger.model as? ModifiedResNet)
        #expect(noGrad { network(images(96)) }.shape == [2, 6])
    }
}
