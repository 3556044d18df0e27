import Checkpoints
import Foundation
import NN
import TensorFiles
import TestSupport
import Testing
import Tokenizers
import Torch
import VisionModels

@Suite("Tokenizers from files") struct TokenizerLoaderTests {
    /// Writes tensors to a file, and removes it after `body`.
    private func with(
        _ tensors: [(name: String, tensor: Tensor)], _ body: (String) throws -> Void
    ) throws {
        let path = NSTemporaryDirectory() + "tokenizer-\(UUID().uuidString).safetensors"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try SafeTensorsWriter.write(tensors, to: path)
        try body(path)
    }

    private var dalle: DALLEConfig {
        var config = DALLEConfig()
        (config.codeCount, config.width, config.firstWidth) = (11, 4, 4)
        (config.groups, config.blocksPerGroup) = (2, 1)
        return config
    }

    private func vqkd() throws -> VQKD {
        var config = VQKD.Config()
        (config.encoder.imageSize, config.encoder.patchSize) = (16, 4)
        (config.encoder.width, config.encoder.depth, config.encoder.heads) = (8, 1, 2)
        (config.decoder.imageSize, config.decoder.channels) = (4, 5)
        (config.decoder.width, config.decoder.depth, config.decoder.heads) = (8, 1, 2)
        (config.codeCount, config.codeWidth, config.teacherWidth) = (7, 5, 6)
        let model = try VQKD(config, generator: Generator(seed: 1))
        model.quantize.embedding.weight.fillNormalInPlace(std: 1, generator: Generator(seed: 2))
        model.evaluate()
        return model
    }

    @Test("DALL-E's encoder; its decoder is told apart")
    func dalleEncoder() throws {
        let model = try DALLEEncoder(dalle, generator: Generator(seed: 1))
        let pictures = Tensor.uniform([1, 3, 8, 12], generator: Generator(seed: 3))
        try with(model.stateDict) { path in
            let loaded = try TokenizerLoader().load(path)
            #expect(loaded.family.name == "dalle" && loaded.report.isComplete)
            #expect(loaded.model.codeCount == 11)
            #expect(noGrad { loaded.model.codes(pictures).isEqual(to: model.codes(pictures)) })
        }
        let decoder = try DALLEDecoder(dalle, generator: Generator(seed: 1))
        try with(decoder.stateDict) { path in
            #expect {
                _ = try TokenizerLoader().load(path)
            } throws: {
                ($0 as? CheckpointError)?.kind == .noModel && "\($0)".contains("DALLEDecoder")
            }
        }
    }

    @Test("VQ-KD as a whole, beside what is its teacher's; half of it is refused")
    func vqkdWhole() throws {
        let model = try vqkd()
        let pictures = Tensor.uniform([2, 3, 16, 16], generator: Generator(seed: 3))
        let tensors = model.stateDict
        let teacher = [(name: "scaling_layer.shift", tensor: Tensor.zeros([2]))]
        let loader = TokenizerLoader(.init(heads: 2))
        try with(tensors + teacher) { path in
            let loaded = try loader.load(path)
            #expect(loaded.family.name == "vqkd" && loaded.report.isComplete)
            #expect(loaded.report.unused.map(\.meaning) == ["the teacher's pixels"])
            #expect(noGrad { loaded.model.codes(pictures).isEqual(to: model.codes(pictures)) })
        }
        try with(tensors.filter { !$0.name.contains("encode_task_layer.2") }) { path in
            #expect {
                _ = try loader.load(path)
            } throws: { error in
                (error as? CheckpointError)?.report?.missing.map(\.name) == [
                    "encode_task_layer.2.weight", "encode_task_layer.2.bias",
                ]
            }
        }
        try with(tensors.filter { !$0.name.contains("decode_task_layer.2") }) { path in
            #expect {
                _ = try loader.load(path)
            } throws: {
                "\($0)".contains(path) && "\($0)".contains("decode_task_layer.2.weight")
            }
        }
    }

    @Test("an encoder of features is no tokenizer")
    func encoder() throws {
        let encoder = try vqkd().encoder
        try with(encoder.stateDict) { path in
            #expect {
                _ = try TokenizerLoader().load(path)
            } throws: {
                ($0 as? CheckpointError)?.kind == .noModel
                    && "\($0)".contains("gives features, not visual tokens")
            }
        }
    }
}
