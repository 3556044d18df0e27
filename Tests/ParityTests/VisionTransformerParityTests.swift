import NN
import TestSupport
import Testing
import Torch
import VisionModels

/// The vision transformer against iBOT's, with linear layers through oneDNN and through the BLAS.
@Suite("ViT equal to iBOT's") struct VisionTransformerParityTests {
    /// The model of a case: `img`, `p`, `d`, `depth`, `h` are its recorded settings.
    private func model(
        _ item: ParityCase, _ change: (inout VisionTransformer.Config) -> Void = { _ in }
    ) throws -> VisionTransformer {
        let settings = try item.config
        var config = VisionTransformer.Config()
        config.patchSize = try settings.int("p")
        config.imageSize = try wholePatches(in: settings.int("img"), of: config.patchSize)
        config.width = try settings.int("d")
        config.depth = try settings.int("depth")
        config.heads = try settings.int("h")
        config.channels = try item.tensor("w/patch_embed.proj.weight").shape[1]
        config.positions = .learned
        config.positionResize = .bicubicOffset
        change(&config)
        let model = try VisionTransformer(config, generator: nil)
        try model.load(item.weights)
        return model
    }

    @Test(
        "tokens, attention, intermediate layers, gradients",
        arguments: ParityTable.cases("ibot", "vit_forward"), [true, false])
    func forward(item: ParityCase, oneDNN: Bool) throws {
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            let model = try model(item)
            let x = try item.tensor("in/x")
            let tokens = model(x)
            item.compare("out/tokens", tokens)
            item.compare("out/cls", tokens[0..., 0])
            item.compare("out/prepare_tokens", model.tokens(x))
            item.compare("out/last_attn", model.lastAttention(x))
            let names = try item.names("out/inter_")
            let layers = model.intermediateLayers(x, count: names.count)
            for (index, layer) in layers.enumerated() {
                item.compare("out/inter_\(index)", layer)
            }
            let loss = (tokens * (try item.tensor("in/cot"))).sum()
            item.compare("out/loss", loss)
            loss.backward()
            item.compareGradients(of: model.namedParameters)
            item.finish()
        }
    }

    @Test(
        "other sizes of the picture",
        arguments: ParityTable.cases("ibot", "vit_resolutions"), [true, false])
    func resolutions(item: ParityCase, oneDNN: Bool) throws {
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            let model = try model(item)
            for (index, size) in try item.config.array("sizes_hw").enumerated() {
                let x = try item.tensor("in/x_\(index)")
                #expect(x.shape[2...] == [try size[0].int, try size[1].int])
                item.compare("out/tokens_\(index)", model(x))
                item.compare(
                    "out/pos_\(index)",
                    model.positions(height: try size[0].int, width: try size[1].int))
            }
            item.finish()
        }
    }

    @Test("masked patches", arguments: ParityTable.cases("ibot", "vit_masked"), [true, false])
    func masked(item: ParityCase, oneDNN: Bool) throws {
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            let model = try model(item) { $0.masksPatches = true }
            let tokens = model(try item.tensor("in/x"), mask: try item.tensor("in/mask"))
            item.compare("out/tokens", tokens)
            (tokens * (try item.tensor("in/cot"))).sum().backward()
            item.compareGradients(of: model.namedParameters)
            item.finish()
        }
    }

    @Test(
        "LayerScale and pooling of the mean",
        arguments: ParityTable.cases("ibot", "vit_layerscale_meanpool"), [true, false])
    func layerScaleAndMeanPooling(item: ParityCase, oneDNN: Bool) throws {
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            let settings = try item.config
            let scale = try settings.double("init_values")
            let pools = try settings.bool("use_mean_pooling")
            let model = try model(item) {
                $0.layerScale = scale
                if pools { ($0.pooling, $0.finalNorm) = (.mean, .pooled) }
            }
            let x = try item.tensor("in/x")
            let tokens = model(x)
            item.compare("out/tokens", tokens)
            item.compare("out/pooled", tokens[0..., 0])
            let names = try item.names("out/inter_")
            for (index, layer) in model.intermediateLayers(x, count: names.count).enumerated() {
                item.compare("out/inter_\(index)", layer)
            }
            item.finish()
        }
    }
}
