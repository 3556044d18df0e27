import NN
import TestSupport
import Testing
import Torch
import VisionModels

/// The Swin transformer against iBOT's, with linear layers through oneDNN and through the BLAS.
@Suite("Swin equal to iBOT's") struct SwinParityTests {
    /// The encoder of a case: `img`, `p`, `e`, `depths`, `heads`, `win` are its recorded settings.
    private func config(
        _ item: ParityCase, _ patch: String = "p", _ width: String = "e", _ window: String = "win"
    ) throws -> SwinTransformer.Config {
        let settings = try item.config
        var config = SwinTransformer.Config()
        config.patchSize = try settings.int(patch)
        config.imageSize = try wholePatches(in: settings.int("img"), of: config.patchSize)
        config.width = try settings.int(width)
        config.depths = try settings.array("depths").map { try $0.int }
        config.heads = try settings.array("heads").map { try $0.int }
        config.window = try settings.int(window)
        config.absolutePositions =
            settings.contains("ape") ? try settings.bool("ape") : false
        config.patchNorm =
            settings.contains("patch_norm") ? try settings.bool("patch_norm") : true
        config.maskedPatches = try item.contains("w/masked_embed") ? .maskedEmbed : .none
        config.normEps = 1e-6
        // What the tensors tell agrees; ε and the image size they do not tell, nor how much larger
        // than the first stage a window is.
        let shapes = try item.weights.mapValues(\.shape)
        let inferred = try SwinTransformer.Config(inferredFrom: shapes) {
            ($0.normEps, $0.imageSize) = (config.normEps, config.imageSize)
        }
        var expected = config
        expected.window = min(config.window, config.grid.rows)
        #expect(inferred == expected)
        return config
    }

    private func model(_ item: ParityCase) throws -> SwinTransformer {
        let model = try SwinTransformer(config(item), generator: nil)
        try model.load(item.weights)
        return model
    }

    @Test(
        "tokens, attention, intermediate layers, gradients",
        arguments: ParityTable.cases("ibot", "swin_forward"), [true, false])
    func forward(item: ParityCase, oneDNN: Bool) throws {
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            let model = try model(item)
            let x = try item.tensor("in/x")
            let tokens = model.prependingMean(model(x))
            item.compare("out/tokens", tokens)
            item.compare("out/pooled", model.feature(x))
            let count = try item.names("out/inter_").count
            let layers = model.lastBlocks(x, count: count).map(model.final)
            #expect(layers.map { $0.shape[2] } == model.widths(ofLast: count))
            for (index, layer) in layers.enumerated() {
                item.compare("out/inter_\(index)", model.prependingMean(layer))
            }
            let pooledCount = try item.names("out/interpool_").count
            for (index, layer) in layers.suffix(pooledCount).enumerated() {
                item.compare("out/interpool_\(index)", model.pooled(layer))
            }
            item.compare("out/attn_last", try #require(model.attentionWeights(x).last))
            let loss = (tokens * (try item.tensor("in/cot"))).sum()
            item.compare("out/loss", loss)
            loss.backward()
            item.compareGradients(of: model.namedParameters)
            item.finish()
        }
    }

    @Test(
        "absolute positions, no norm of patches",
        arguments: ParityTable.cases("ibot", "swin_ape"), [true, false])
    func absolutePositions(item: ParityCase, oneDNN: Bool) throws {
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            let model = try model(item)
            item.compare("out/pooled", model.feature(try item.tensor("in/x")))
            item.finish()
        }
    }

    @Test("a coarse mask", arguments: ParityTable.cases("ibot", "swin_masked"), [true, false])
    func masked(item: ParityCase, oneDNN: Bool) throws {
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            let model = try model(item)
            let tokens = model.prependingMean(
                model(try item.tensor("in/x"), mask: try item.tensor("in/mask")))
            item.compare("out/tokens", tokens)
            (tokens * (try item.tensor("in/cot"))).sum().backward()
            item.compareGradients(of: model.namedParameters)
            item.finish()
        }
    }

    @Test(
        "windows that do not divide the picture, without and with gradients",
        arguments: ParityTable.cases("ibot", "swin_small_input"), [true, false])
    func smallInput(item: ParityCase, recordsGradients: Bool) throws {
        let model = try model(item)
        model.freeze(!recordsGradients)
        let x = try item.tensor("in/x")
        item.compare("out/tokens", model.prependingMean(model(x)))
        let weights = model.attentionWeights(x)
        #expect(weights.count == (try item.names("out/attn_").count))
        for (index, weights) in weights.enumerated() {
            item.compare("out/attn_\(index)", weights)
        }
        let (_, _, height, width) = x.shape4
        #expect(model.grid(height: height, width: width).count == model(x).shape[1])
        item.finish()
    }

    @Test(
        "fine-tuning: logits", arguments: ParityTable.cases("ibot", "finetune_swin"), [true, false])
    func fineTuning(item: ParityCase, oneDNN: Bool) throws {
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            let model = SwinClassifier(
                try SwinTransformer(config(item, "patch", "embed", "window"), generator: nil),
                classCount: try item.config.int("classes"), generator: nil)
            try model.load(item.weights)
            item.compare("out/logits", model(try item.tensor("in/x")))
            item.finish()
        }
    }
}
