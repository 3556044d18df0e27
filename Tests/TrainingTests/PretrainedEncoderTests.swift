import Configuration
import Foundation
import NN
import TensorFiles
import Testing
import Torch
import VisionModels

@testable import Training

@Suite("Encoders with trained weights") struct PretrainedEncoderTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// The folder of a run of two steps, each of which was saved.
    private func run() throws -> URL {
        let settings = TinyRun.settings {
            $0.schedule.epochs = 0.5
            $0.run.saveEvery = 0.25
        }
        try TinyRun.train(settings, in: folder.path("run"))
        return folder.file("run")
    }

    private func encoder(width: Int = 16) throws -> VisionTransformer {
        var config = VisionTransformer.Config()
        (config.imageSize, config.patchSize, config.channels) = (8, 4, 1)
        (config.width, config.depth, config.heads) = (width, 2, 2)
        return try VisionTransformer(config, generator: Generator(seed: 5))
    }

    @Test("of a run: the newest checkpoint, or the one that is named")
    func ofARun() throws {
        let run = try run()
        let (encoder, method, settings) = try PretrainedEncoder.load(TinyMethod.self, run: run)
        let newest = try TinyRun.checkpoint(run.path, step: 2)
        #expect(try bytes(method.stateDict) == bytes(of: newest, under: "model.").withoutPrefix())
        #expect(encoder.origin == newest.path && encoder.runFolder == run)
        #expect(encoder.data.mean == [0.5] && settings.model.width == 16)
        #expect(encoder.model === method.backbone && !encoder.model.isTraining)

        let first = try TinyRun.checkpoint(run.path, step: 1)
        let older = try PretrainedEncoder.load(TinyMethod.self, run: run, file: first)
        #expect(older.encoder.origin == first.path)
        #expect(
            try bytes(older.method.stateDict) == bytes(of: first, under: "model.").withoutPrefix())
        #expect(bytes(older.method.stateDict) != bytes(method.stateDict))
    }

    @Test("of a run: without an intact checkpoint, or of another model, files are named")
    func ofADamagedRun() throws {
        let run = try run()
        let other = folder.file("other.safetensors")
        try SafeTensorsWriter.write(
            encoder(width: 32).stateDict.map { ("model." + $0.name, $0.tensor) }, to: other.path)
        #expect {
            _ = try PretrainedEncoder.load(TinyMethod.self, run: run, file: other)
        } throws: { error in
            error is LoadError && "\(error)".contains(other.path)
        }
        for step in 0...2 {
            let file = try TinyRun.checkpoint(run.path, step: step)
            try Data(contentsOf: file).dropLast().write(to: file)
        }
        #expect {
            _ = try PretrainedEncoder.load(TinyMethod.self, run: run)
        } throws: { error in
            "\(error)" == "\(run.path)/checkpoints holds no intact checkpoint"
        }
        #expect {
            _ = try PretrainedEncoder.load(TinyMethod.self, run: folder.file("none"))
        } throws: { "\($0)".contains("none/config.yaml") }
    }

    @Test(
        "of bare weights: under any prefix, with tensors of other parts beside them",
        arguments: ["", "model.", "module.backbone."])
    func ofWeights(prefix: String) throws {
        let model = try encoder()
        let path = folder.path("weights.safetensors")
        let others = [("decoder_pred.weight", Tensor.zeros([3])), ("head.bias", Tensor.zeros([2]))]
        try SafeTensorsWriter.write(
            (model.stateDict + others).map { (prefix + $0.0, $0.1) }, to: path)
        let loaded = try PretrainedEncoder.load(file: path, heads: 2)
        #expect(bytes(loaded.model.stateDict) == bytes(model.stateDict))
        let config = try #require(loaded.model as? VisionTransformer).config
        #expect(config.imageSize == 8 && config.patchSize == 4 && config.channels == 1)
        #expect(config.width == 16 && config.depth == 2 && config.heads == 2)
        #expect(loaded.origin == path && loaded.runFolder == nil && !loaded.model.isTraining)

        let images = Tensor.normal([2, 1, 8, 8], generator: Generator(seed: 1))
        model.evaluate()
        #expect(
            bytes([("y", loaded.model.feature(images))]) == bytes([("y", model.feature(images))]))
    }

    @Test("of a run's checkpoint without its run: the model, not the optimiser's averages")
    func ofACheckpoint() throws {
        let checkpoint = try TinyRun.checkpoint(run().path, step: 2)
        let copy = folder.file("copy.safetensors")
        try FileManager.default.copyItem(at: checkpoint, to: copy)
        let loaded = try PretrainedEncoder.load(file: copy.path, heads: 2)
        let expected = try bytes(of: checkpoint, under: "model.").withoutPrefix()
        for (name, value) in bytes(loaded.model.stateDict) { #expect(value == expected[name]) }
    }

    @Test("a file that holds no encoder, or half of one, is named")
    func wrongFiles() throws {
        let path = folder.path("weights.safetensors")
        try SafeTensorsWriter.write([("x", Tensor.zeros([3]))], to: path)
        #expect {
            _ = try PretrainedEncoder.load(file: path)
        } throws: { error in
            (error as? TensorFileError)?.kind == .missingKey
                && "\(error)".hasPrefix("\(path): holds no encoder")
                && "\(error)".contains("tessera checkpoint inspect")
        }
        let half = try encoder().stateDict.filter { $0.name != "blocks.1.mlp.fc2.weight" }
        try SafeTensorsWriter.write(half, to: path)
        #expect {
            _ = try PretrainedEncoder.load(file: path, heads: 2)
        } throws: { error in
            "\(error)".contains(path) && "\(error)".contains("blocks.1.mlp.fc2.weight")
        }
        try SafeTensorsWriter.write(half.filter { $0.name != "pos_embed" }, to: path)
        #expect {
            _ = try PretrainedEncoder.load(file: path)
        } throws: { "\($0)".contains("pos_embed") }
        #expect(throws: TensorFileError.self) {
            try PretrainedEncoder.load(file: folder.path("none.pth"))
        }
    }
}

extension [String: [UInt8]] {
    /// The names without `model.`.
    fileprivate func withoutPrefix() -> [String: [UInt8]] {
        Dictionary(uniqueKeysWithValues: map { (String($0.key.dropFirst(6)), $0.value) })
    }
}
