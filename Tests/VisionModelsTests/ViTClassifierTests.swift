import NN
import TestSupport
import Testing
import Torch
import VisionModels

@Suite("ViT classifier") struct ViTClassifierTests {
    private func model(pools: Bool, classToken: Bool = true) throws -> ViTClassifier {
        var config = VisionTransformer.Config()
        (config.imageSize, config.patchSize, config.width) = (16, 4, 8)
        (config.depth, config.heads) = (1, 2)
        config.classToken = classToken
        if pools { (config.pooling, config.finalNorm) = (.mean, .pooled) }
        return ViTClassifier(
            try VisionTransformer(config, generator: Generator(seed: 1)), classCount: 5,
            generator: Generator(seed: 2))
    }

    @Test("names are the encoder's and head's; the norm is one of two", arguments: [true, false])
    func names(pools: Bool) throws {
        let names = Set(try model(pools: pools).stateDict.map(\.name))
        #expect(names.isSuperset(of: ["cls_token", "patch_embed.proj.weight", "head.bias"]))
        #expect(names.contains("fc_norm.weight") == pools)
        #expect(names.contains("norm.weight") == !pools)
    }

    @Test("pooling leaves the class token out and no norm comes before it")
    func pooling() throws {
        let model = try model(pools: true)
        let images = Tensor.normal([2, 3, 16, 16], generator: Generator(seed: 3))
        let tokens = try #require(model.backbone.blockOutputs(images).last)
        let mean = tokens[0..., 1...].mean(1)
        let expected = mean.layerNorm(.ones([8]), .zeros([8]), eps: 1e-6)
        expect(model.features(images).detached(), closeTo: expected.detached(), atol: 1e-5)
        #expect(model(images).shape == [2, 5])
    }

    @Test("without pooling the class token after the norm is the feature")
    func classToken() throws {
        let model = try model(pools: false)
        let images = Tensor.normal([2, 3, 16, 16], generator: Generator(seed: 3))
        let expected = model.backbone(images)[0..., 0]
        expect(model.features(images).detached(), closeTo: expected.detached(), atol: 1e-6)
    }

    @Test("an encoder that does not pool has no features")
    func unpooled() async {
        await #expect(processExitsWith: .failure) {
            var config = VisionTransformer.Config()
            (config.width, config.depth, config.heads, config.pooling) = (8, 1, 2, .none)
            _ = ViTClassifier(
                try VisionTransformer(config, generator: nil), classCount: 2, generator: nil)
        }
    }

    @Test("the head starts small, with zero bias")
    func head() throws {
        let model = try model(pools: false)
        #expect(model.head.weight.detached().abs().max().item < 0.1)
        #expect(model.head.bias?.detached().abs().max().item == 0)
    }
}
