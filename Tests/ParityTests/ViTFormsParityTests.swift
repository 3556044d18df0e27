import NN
import TestSupport
import Testing
import Torch
import VisionModels

/// The forms of timm's and MaPeT's vision transformers: extra tokens, norms, pooling.
@Suite("ViT forms equal to timm's and MaPeT's") struct ViTFormsParityTests {
    @Test("tokens and logits", arguments: ParityTable.cases("beyondcls", "timm_vit_*"))
    func timm(item: ParityCase) throws {
        let recorded = RecordedViT(item: item)
        let settings = try item.config.object("model")
        let config = try recorded.config(heads: settings.int("num_heads"))
        #expect(config.imageSize == (try settings.int("img_size")))
        #expect(config.patchSize == (try settings.int("patch_size")))
        #expect(config.depth == (try settings.int("depth")))
        #expect(config.mlpRatio == (try settings.double("mlp_ratio")))
        let model = try classifier(config, item)
        let images = try item.tensor("in/imgs")
        item.compare(
            "out/tokens", model.backbone.encode(model.backbone.tokens(images)))
        item.compare("out/logits", model(images))
        item.finish()
    }

    @Test("features, logits, loss, gradients", arguments: ParityTable.cases("mapet", "vit_*"))
    func fineTuning(item: ParityCase) throws {
        let recorded = RecordedViT(item: item)
        let settings = try item.config
        let config = try recorded.config(heads: settings.int("num_heads")) {
            $0.normEps = (try? settings.double("norm_eps")) ?? $0.normEps
        }
        #expect(config.imageSize == (try settings.int("img_size")))
        let pool = try settings.string("global_pool")
        #expect(config.poolsPatches == (pool == "avg"))
        #expect((config.layerScale != nil) == settings.contains("init_values"))
        let withoutClass =
            try settings.contains("no_embed_class") && settings.bool("no_embed_class")
        #expect((config.positionedTokens == .patches) == withoutClass)
        let model = try classifier(config, item)
        let images = try item.tensor("in/image")
        for (index, tokens) in model.backbone.blockOutputs(images).enumerated()
        where try item.contains("out/block\(index)") {
            item.compare("out/block\(index)", tokens)
        }
        item.compare(
            "out/features", model.backbone.encode(model.backbone.tokens(images)))
        item.compare("out/prelogits", model.features(images))
        let logits = model(images)
        item.compare("out/logits", logits)
        let loss = logits.crossEntropy(
            try item.tensor("in/target"), smoothing: try settings.double("smoothing"))
        item.compare("out/loss", loss.reshaped(1))
        loss.backward()
        try recorded.compareGradients(of: model)
        item.finish()
    }

    private func classifier(
        _ config: VisionTransformer.Config, _ item: ParityCase
    ) throws -> ViTClassifier {
        let model = ViTClassifier(
            try VisionTransformer(config, generator: nil),
            classCount: try item.tensor("w/head.weight").shape[0], generator: nil)
        try model.load(RecordedViT(item: item).weights())
        return model
    }
}
