import Configuration
import NN
import Testing
import Tokenizers
import Torch
import VisionModels

@Suite("Vector quantiser") struct VectorQuantizerTests {
    @Test("the first batch in training starts the codes, at unit length")
    func start() {
        let model = VectorQuantizer(count: 4, width: 3, generator: Generator(seed: 1))
        let z = Tensor.normal([2, 3, 4, 4], generator: Generator(seed: 2))
        _ = model(z)
        let lengths = model.embedding.weight.norm(1).values(as: Float.self)
        #expect(lengths.allSatisfy { abs($0 - 1) < 1e-5 })
        #expect(model.clusterSize.sum().item > 0)
    }

    @Test("fewer vectors than codes are drawn more than once")
    func fewVectors() {
        let model = VectorQuantizer(count: 50, width: 3, generator: Generator(seed: 1))
        let result = model(Tensor.normal([1, 3, 2, 2], generator: Generator(seed: 2)))
        #expect(result.codes.shape == [4])
        #expect(result.loss.item < 1e-4)
    }

    @Test("asking for codes alone changes nothing")
    func codes() {
        let model = VectorQuantizer(count: 4, width: 3, generator: Generator(seed: 1))
        let z = Tensor.normal([2, 3, 4, 4], generator: Generator(seed: 2))
        _ = model(z)
        model.evaluate()
        let before = model.clusterSize.clone()
        let codes = model.codes(z)
        #expect(codes.shape == [2, 16])
        #expect(model.clusterSize.isEqual(to: before))
        #expect(model(z).codes.isEqual(to: codes.flattened()))
    }

    @Test("a tokenizer whose decoder does not fit its encoder is refused")
    func refusals() throws {
        var config = VQKD.Config()
        config.decoder.channels = 16
        #expect(throws: ConfigurationError.self) { try config.validate() }
        config = VQKD.Config()
        config.decoder.imageSize = 7
        #expect(throws: ConfigurationError.self) { try config.validate() }
        #expect(throws: ConfigurationError.self) {
            try VQKD.Config(inferredFrom: ["encoder.cls_token": [1, 1, 8]])
        }
        #expect(throws: ConfigurationError.self) {
            try DALLEConfig(inferredFrom: ["blocks.input.w": [8, 3, 7, 7]])
        }
    }
}
