import NN
import TestSupport
import Testing
import Torch
import VisionModels

/// BEiT's form of the vision transformer, as BEiT, iBOT and SimMIM have it.
@Suite("BEiT's ViT equal to the references'") struct BEiTParityTests {
    private func classifier(
        _ item: ParityCase, heads: Int, adjust: (inout VisionTransformer.Config) -> Void
    ) throws -> ViTClassifier {
        let recorded = RecordedViT(item: item)
        let config = try recorded.config(heads: heads, adjust: adjust)
        let model = ViTClassifier(
            try VisionTransformer(config, generator: nil),
            classCount: try item.tensor("w/head.weight").shape[0], generator: nil)
        try recorded.compareIndices(of: config.grid)
        // Fixed positions are in no file; they are made with the model.
        let report = try model.load(recorded.weights(), strict: false)
        let isFixed = config.positions == .sinCosLine
        #expect(report.missing == (isFixed ? ["pos_embed"] : []))
        #expect(report.unexpected.isEmpty && report.mismatched.isEmpty)
        return model
    }

    @Test("BEiT: tokens, features, gradients", arguments: ParityTable.cases("mapet", "beit_vit_*"))
    func beit(item: ParityCase) throws {
        let settings = try item.config
        let model = try classifier(item, heads: try settings.int("num_heads")) {
            $0.normEps = (try? settings.double("norm_eps")) ?? $0.normEps
            $0.positionResize = .dino
        }
        func flag(_ key: String) throws -> Bool {
            try settings.contains(key) && settings.bool(key)
        }
        let config = model.backbone.config
        #expect(config.imageSize == (try settings.int("img_size")))
        #expect((config.positions != .none) == (try flag("use_abs_pos_emb")))
        #expect((config.relativePositions == .perBlock) == (try flag("use_rel_pos_bias")))
        #expect((config.relativePositions == .shared) == (try flag("use_shared_rel_pos_bias")))
        #expect(config.qkvBias == (try flag("qkv_bias") ? .queryAndValue : .none))
        #expect(config.poolsPatches == (try flag("use_mean_pooling")))

        // With mean pooling the reference puts the norm of the mean on single tokens too.
        func normed(_ images: Tensor) -> Tensor {
            let tokens = model.backbone.encode(
                model.backbone.tokens(images), at: model.backbone.attentionPositions(of: images))
            guard let state = fcNorm(of: model) else { return tokens }
            return tokens.layerNorm(state.weight, state.bias, eps: config.normEps)
        }
        let images = try item.tensor("in/image")
        item.compare("out/all_tokens", normed(images))
        item.compare("out/patch_tokens", normed(images)[0..., 1...])
        if try item.contains("in/image_big") {
            item.compare("out/big", normed(try item.tensor("in/image_big"))[0..., 1...])
        }
        item.compare("out/features", model.features(images))
        let logits = model(images)
        item.compare("out/logits", logits)
        let factors = Tensor.range(0..<logits.shape[1]).to(dtype: .float32)
        let loss = (logits * factors).sum() / 10
        item.compare("out/loss", loss.reshaped(1))
        loss.backward()
        try RecordedViT(item: item).compareGradients(of: model)
        item.finish()
    }

    private func fcNorm(of model: Module) -> (weight: Tensor, bias: Tensor)? {
        let state = Dictionary(uniqueKeysWithValues: model.stateDict.map { ($0.name, $0.tensor) })
        guard let weight = state["fc_norm.weight"], let bias = state["fc_norm.bias"] else {
            return nil
        }
        return (weight, bias)
    }

    @Test("iBOT's fine-tuning", arguments: ParityTable.cases("ibot", "finetune_vit_*"))
    func iBOT(item: ParityCase) throws {
        let settings = try item.config
        func flag(_ key: String, _ usual: Bool) throws -> Bool {
            settings.contains(key) ? try settings.bool(key) : usual
        }
        let isFixed =
            try flag("use_abs_pos_emb", true) && !flag("use_learned_abs_pos_emb", true)
        let model = try classifier(item, heads: try settings.int("h")) {
            if isFixed { $0.positions = .sinCosLine }
        }
        let config = model.backbone.config
        #expect(
            try config.imageSize == wholePatches(in: settings.int("img"), of: config.patchSize))
        #expect(config.poolsPatches == (try flag("use_mean_pooling", false)))
        if try item.contains("out/sincos_pos") {
            let size = config.imageSize
            item.compare("out/sincos_pos", model.backbone.positions(height: size, width: size))
        }
        let images = try item.tensor("in/x")
        item.compare("out/features", model.features(images))
        let logits = model(images)
        item.compare("out/logits", logits)
        let loss = logits.crossEntropy(try item.tensor("in/y"))
        item.compare("out/loss", loss)
        loss.backward()
        try RecordedViT(item: item).compareGradients(of: model)
        item.finish()
    }

    @Test("SimMIM's fine-tuning", arguments: ParityTable.cases("beyondcls", "simmim_vit_finetune"))
    func simMIM(item: ParityCase) throws {
        let settings = try item.config.object("model")
        let eps = try settings.double("ln_eps")
        let model = try classifier(item, heads: try settings.int("num_heads")) { $0.normEps = eps }
        #expect(model.backbone.config.imageSize == (try settings.int("img_size")))
        let images = try item.tensor("in/imgs")
        item.compare("out/features", model.features(images))
        let logits = model(images)
        item.compare("out/logits", logits)
        let loss = logits.crossEntropy(try item.tensor("in/targets"))
        item.compare("out/loss", loss)
        loss.backward()
        try RecordedViT(item: item).compareGradients(of: model)
        item.finish()
    }
}

/// Models of pre-training around BEiT's vision transformer.
@Suite("Masked models on BEiT's ViT") struct BEiTPretrainingParityTests {
    /// SimMIM's model, as its checkpoints have it.
    private final class SimMIM: Module {
        let encoder: VisionTransformer
        let decoder: SimMIMDecoder

        init(_ encoder: VisionTransformer) {
            self.encoder = encoder
            decoder = SimMIMDecoder(
                width: encoder.width, patchSize: encoder.config.patchSize,
                channels: encoder.channels, generator: nil)
        }
    }

    @Test(
        "SimMIM: tokens, pixels, loss, gradients",
        arguments: ParityTable.cases("beyondcls", "simmim_vit_pretrain_*"))
    func simMIM(item: ParityCase) throws {
        let recorded = RecordedViT(item: item)
        let settings = try item.config.object("model")
        let eps = try settings.double("ln_eps")
        let encoder = try VisionTransformer(
            recorded.config(prefix: "encoder.", heads: settings.int("num_heads")) {
                $0.normEps = eps
            }, generator: nil)
        try recorded.compareIndices(of: encoder.config.grid)
        let model = SimMIM(encoder)
        try model.load(recorded.weights())

        let (images, mask) = (try item.tensor("in/imgs"), try item.tensor("in/mask"))
        let hidden = mask.to(dtype: .float32) .> 0.5
        let grid = encoder.grid(of: images)
        let tokens = encoder.encode(
            encoder.tokens(images, mask: hidden), at: encoder.attentionPositions(of: images))
        let z = tokens[0..., 1...].transposed(1, 2)
            .reshaped(images.shape[0], encoder.width, grid.rows, grid.columns)
        item.compare("out/z", z)
        let pixels = model.decoder(z)
        item.compare("out/x_rec", pixels)
        let size = encoder.config.patchSize
        let shape = [images.shape[0], 1, grid.rows, 1, grid.columns, 1]
        let wide = mask.to(dtype: .float32).reshaped(shape)
            .expanded([images.shape[0], 1, grid.rows, size, grid.columns, size])
            .reshaped(images.shape[0], 1, grid.rows * size, grid.columns * size)
        let error = ((images - pixels).abs() * wide).sum()
        let loss = error / (wide.sum() + 1e-5) / Double(encoder.channels)
        item.compare("out/loss", loss)
        loss.backward()
        try recorded.compareGradients(of: model)
        item.finish()
    }

    private func predictor(
        _ item: ParityCase, _ aggregation: VisualTokenPredictor.Aggregation? = nil
    ) throws -> VisualTokenPredictor {
        let recorded = RecordedViT(item: item)
        let settings = try item.config
        let config = try recorded.config(heads: settings.int("num_heads")) {
            $0.normEps = (try? settings.double("norm_eps")) ?? $0.normEps
        }
        #expect(config.imageSize == (try settings.int("img_size")))
        try recorded.compareIndices(of: config.grid)
        let model = VisualTokenPredictor(
            try VisionTransformer(config, generator: nil),
            vocabulary: try settings.int("vocab_size"), aggregation: aggregation, generator: nil)
        try model.load(recorded.weights())
        return model
    }

    @Test("BEiT: logits, loss, gradients", arguments: ["beit_pretrain", "beit_pretrain_abs"])
    func beit(name: String) throws {
        for item in ParityTable.cases("mapet", name) {
            let model = try predictor(item)
            let mask = try item.tensor("in/mask")
            let all = model.logits(try item.tensor("in/image"), mask: mask).main
            item.compare("out/all", all)
            let logits = VisualTokenPredictor.masked(all, mask)
            item.compare("out/logits", logits)
            let targets = try targets(item)
            let loss = logits.crossEntropy(targets)
            item.compare("out/loss", loss.reshaped(1))
            let hits = logits.argmax(-1) .== targets
            item.compare("out/acc", hits.to(dtype: .float32).mean().reshaped(1))
            loss.backward()
            try RecordedViT(item: item).compareGradients(of: model)
            item.finish()
        }
    }

    @Test("BEiT v2: both heads", arguments: ParityTable.cases("mapet", "beit2_cls_*"))
    func beit2(item: ParityCase) throws {
        let settings = try item.config
        var aggregation = VisualTokenPredictor.Aggregation()
        aggregation.earlyBlock = try settings.int("early_layers")
        aggregation.depth = try settings.int("head_layers")
        aggregation.sharesHead = try settings.bool("shared_lm_head")
        let model = try predictor(item, aggregation)
        let mask = try item.tensor("in/mask")
        let (main, second) = model.logits(try item.tensor("in/image"), mask: mask)
        let targets = try targets(item)
        var losses: [Tensor] = []
        for (index, logits) in [main, try #require(second)].enumerated() {
            let rows = VisualTokenPredictor.masked(logits, mask)
            item.compare("out/logits\(index + 1)", rows)
            losses.append(rows.crossEntropy(targets))
            item.compare("out/loss\(index + 1)", losses[index].reshaped(1))
        }
        (losses[0] + losses[1]).backward()
        try RecordedViT(item: item).compareGradients(of: model)
        item.finish()
    }

    /// The visual tokens under the mask.
    private func targets(_ item: ParityCase) throws -> Tensor {
        let tokens = try item.tensor("in/tokens")
        return VisualTokenPredictor.masked(
            tokens.to(dtype: .float32).unsqueezed(-1), try item.tensor("in/mask")
        ).squeezed(-1).to(dtype: .int64)
    }
}
