import NN
import TestSupport
import Testing
import Torch
import VisionModels

/// The encoders of I-JEPA and StoP: no class token, fixed positions, some of the patches.
@Suite("I-JEPA's encoder equal to the reference") struct IJEPAEncoderParityTests {
    private func encoder(_ item: ParityCase) throws -> VisionTransformer {
        let settings = try item.config
        let config = try RecordedViT(item: item).config(heads: settings.int("heads")) {
            $0.positions = .sinCos
            $0.normEps = (try? settings.double("ln_eps")) ?? $0.normEps
        }
        #expect(
            try config.imageSize == wholePatches(in: settings.int("img"), of: config.patchSize))
        #expect(!config.classToken && config.extraTokens == 0)
        let model = try VisionTransformer(config, generator: nil)
        let made = model.positions(height: config.imageSize, width: config.imageSize)
        expect(made, closeTo: try item.tensor("w/pos_embed"), atol: 1e-6)
        try model.load(item.weights)
        return model
    }

    /// The tokens of the patches that each mask names, one mask after another.
    private func masked(_ model: VisionTransformer, _ item: ParityCase) throws -> Tensor {
        let patches = model.patchTokens(try item.tensor("in/images"))
        let masks = try item.names("in/mask_enc_").map { try item.tensor($0) }
        return model.encode(concatenated(masks.map { patches.selectingTokens($0) }, 0))
    }

    @Test("I-JEPA", arguments: ParityTable.cases("stop", "ijepa_encoder"))
    func iJEPA(item: ParityCase) throws {
        let model = try encoder(item)
        let images = try item.tensor("in/images")
        item.compare("out/full_patch_embed", model.patchEmbed(images))
        for (index, tokens) in model.blockOutputs(images).enumerated() {
            item.compare("out/full_block\(index)", tokens)
        }
        item.compare("out/tokens_full", model(images))
        item.compare("out/attn_last", model.lastAttention(images))
        let tokens = try masked(model, item)
        item.compare("out/tokens_masked", tokens)
        let loss = (tokens * (try item.tensor("in/cotangent"))).sum() / 100
        item.compare("out/loss", loss)
        loss.backward()
        item.compareGradients(of: model.namedParameters)
        item.finish()
    }

    @Test("StoP: the mean of the last blocks", arguments: ParityTable.cases("stop", "stop_encoder"))
    func stop(item: ParityCase) throws {
        let model = try encoder(item)
        let images = try item.tensor("in/images")
        for name in try item.names("out/tokens_K") {
            let count = try #require(Int(name.dropFirst("out/tokens_K".count)))
            item.compare(name, stacked(model.intermediateLayers(images, count: count)).mean(0))
        }
        item.compare("out/tokens_masked", try masked(model, item))
        item.finish()
    }

    @Test("sines and cosines", arguments: ParityTable.cases("stop", "ijepa_sincos"))
    func sinCos(item: ParityCase) throws {
        for row in try item.config.array("dims") {
            let (width, side) = (try row[0].int, try row[1].int)
            let grid = PatchGrid(rows: side, columns: side)
            let suffix = "_\(width)_\(side)"
            item.compare(
                "out/sincos1d" + suffix, SinCosEmbedding.line(side, width: width)[0],
                tolerance: .absolute(1e-6))
            item.compare(
                "out/sincos2d" + suffix,
                SinCosEmbedding.make(grid, width: width, classToken: false)[0],
                tolerance: .absolute(1e-6))
            let recorded = "out/sincos2d_cls" + suffix
            let rows = try item.tensor(recorded).shape[0]
            item.compare(
                recorded, SinCosEmbedding.make(grid, width: width, classToken: true)[0, ..<rows],
                tolerance: .absolute(1e-6))
        }
        item.finish()
    }

    @Test("the convolutional stem", arguments: ParityTable.cases("stop", "ijepa_conv_stem"))
    func stem(item: ParityCase) throws {
        let settings = try item.config
        let images = try item.tensor("in/images")
        let channels = try settings.array("channels").map { try $0.int }
        let form = ConvolutionalStem.Form(
            channels: channels.dropLast(),
            strides: try settings.array("strides").map { try $0.int })
        let stem = ConvolutionalStem(
            form, channels: images.shape[1], width: try #require(channels.last), generator: nil)
        try stem.load(item.weights)
        stem.evaluate()
        item.compare("out/tokens", stem(images))
        item.finish()
    }
}
