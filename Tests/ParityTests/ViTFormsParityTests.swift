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

    /// Which tensors of pre-training a model for fine-tuning takes over.
    @Test("transfer by names", arguments: ["transfer_avg", "transfer_token"])
    func transfer(name: String) throws {
        for item in ParityTable.cases("mapet", name) {
            let settings = try item.config
            func names(_ key: String) throws -> Set<String> {
                Set(try settings.array(key).map { RecordedViT.ourName(try $0.string) })
            }
            let (copied, fresh) = (try names("copied"), try names("fresh"))
            let unused = try names("unused_from_checkpoint")
            let weights = try item.weights
            var config = VisionTransformer.Config()
            config.positions = .learned
            config.width = try item.tensor("w/cls_token").shape[2]
            config.heads = 1
            let rows = try item.tensor("w/pos_embed").shape[1]
            let grid = try #require(PatchGrid(squareOf: rows - config.extraPositions))
            config.imageSize = grid.rows * config.patchSize
            config.depth = copied.count { $0.hasSuffix("norm1.weight") }
            config.layerScale = copied.contains("blocks.0.gamma_1") ? 0.1 : nil
            if try settings.string("pool") == "avg" {
                (config.pooling, config.finalNorm) = (.mean, .pooled)
            }
            let model = ViTClassifier(
                try VisionTransformer(config, generator: nil), classCount: 3, generator: nil)
            #expect(Set(model.stateDict.map(\.name)) == copied.union(fresh))
            #expect(fresh.isDisjoint(with: unused))

            let report = try model.load(weights, strict: false)
            #expect(Set(report.unexpected).isSubset(of: unused))
            #expect(report.mismatched.isEmpty)
            let state = Dictionary(
                uniqueKeysWithValues: model.stateDict.map { ($0.name, $0.tensor) })
            for out in try item.names("out/") {
                let tensor = try #require(state[String(out.dropFirst(4))])
                item.compare(out, tensor.detached(), tolerance: .exact)
            }
            item.finish()
        }
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
