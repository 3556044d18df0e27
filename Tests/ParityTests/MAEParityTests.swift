import Analysis
import Data
import Imaging
import NN
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Methods

/// Masked autoencoders with recorded weights and noise.
@Suite("MAE equal to the reference") struct MAEParityTests {
    private func model(_ item: ParityCase) throws -> MAE {
        let settings = try item.config
        let sizes = try settings.object("model")
        var encoder = VisionTransformer.Config()
        encoder.imageSize = try sizes.int("img_size")
        encoder.patchSize = try sizes.int("patch_size")
        encoder.width = try sizes.int("embed_dim")
        encoder.depth = try sizes.int("depth")
        encoder.heads = try sizes.int("num_heads")
        encoder.channels = try item.tensor("w/patch_embed.proj.weight").shape[1]
        if sizes.contains("mlp_ratio") { encoder.mlpRatio = try sizes.double("mlp_ratio") }
        if sizes.contains("ln_eps") { encoder.normEps = try sizes.double("ln_eps") }
        var config = MAE.Config()
        config.decoderWidth = try sizes.int("decoder_embed_dim")
        config.decoderDepth = try sizes.int("decoder_depth")
        config.decoderHeads = try sizes.int("decoder_num_heads")
        config.maskRatio = try settings.double("mask_ratio")
        // The reference's default.
        config.normalizePixels =
            sizes.contains("norm_pix_loss") ? try sizes.bool("norm_pix_loss") : false
        let generator = Generator(seed: 0)
        let backbone = try VisionTransformer(encoder, generator: generator)
        let model = try MAE(config, backbone: backbone, generator: generator)
        try model.load(item.weights)
        return model
    }

    @Test(
        "a pre-training step: every intermediate result, the loss, all gradients",
        arguments: ParityTable.cases("beyondcls", "mae_forward_*"), [true, false])
    func step(item: ParityCase, oneDNN: Bool) throws {
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            let model = try model(item)
            let images = try item.tensor("in/imgs")
            let noise = try item.tensor("in/noise")
            let (latent, predicted, mask) = model.predict(images, noise: noise)
            item.compare("out/mask", mask.dropped)
            item.compare("out/ids_restore", mask.restore)
            item.compare("out/embedded", model.backbone.patchTokens(images))
            item.compare("out/latent", latent)
            item.compare("out/pred", predicted)
            let size = model.backbone.config.patchSize
            item.compare("out/target", model.target(patchify(images, patchSize: size)))
            let loss = model.loss(images, noise: noise)
            item.compare("out/loss", loss)
            loss.backward()
            item.compareGradients(of: model.namedParameters)
            item.finish()
        }
    }

    @Test(
        "the same step on a GPU within 1e-3",
        .enabled(if: Device.cudaCount > 0, "this machine has no GPU"),
        arguments: ParityTable.cases("beyondcls", "mae_forward_*"))
    func stepOnGPU(item: ParityCase) throws {
        TorchSettings.allowTF32(false)
        let device = Device.cuda(0)
        let model = try model(item)
        model.move(to: device)
        let images = try item.tensor("in/imgs").to(device)
        let noise = try item.tensor("in/noise").to(device)
        let predicted = model.predict(images, noise: noise).predicted
        expect(predicted.to(.cpu), closeTo: try item.tensor("out/pred"), atol: 1e-3, "out/pred")
        let loss = model.loss(images, noise: noise)
        expect(loss.to(.cpu), closeTo: try item.tensor("out/loss"), atol: 1e-3, "out/loss")
        loss.backward()
        let recorded = try item.gradients
        for (name, parameter) in model.namedParameters {
            let gradient = try #require(parameter.gradient, "\(name)").to(.cpu)
            expect(gradient, closeTo: try #require(recorded[name]), atol: 1e-3, name)
        }
    }

    @Test("masks", arguments: ParityTable.cases("beyondcls", "mae_random_masking"))
    func masks(item: ParityCase) throws {
        for (index, row) in try item.config.array("cases_L_ratio_lenkeep").enumerated() {
            let noise = try item.tensor("in/noise\(index)")
            let mask = RandomMask(noise: noise, ratio: try row[1].double)
            #expect(noise.shape[1] == (try row[0].int))
            #expect(mask.keptCount == (try row[2].int))
            item.compare("out/ids_keep\(index)", mask.kept)
            item.compare("out/mask\(index)", mask.dropped)
            item.compare("out/ids_restore\(index)", mask.restore)
        }
        item.finish()
    }

    @Test(
        "the four pictures of a reconstruction",
        arguments: ParityTable.cases("beyondcls", "mae_visualize"))
    func panels(item: ParityCase) throws {
        let model = try model(item)
        let bytes = try item.tensor("in/image_u8")
        let (height, width, channels) = bytes.shape3
        let side = model.backbone.config.imageSize
        let picture = ImageBuffer(
            width: width, height: height, channels: channels,
            pixels: bytes.values(as: UInt8.self)
        ).resized(width: side, height: side, interpolation: .bicubic, order: .pillow13)
        let images = Tensor(picture.pixels, shape: [1, side, side, channels])
            .permuted(0, 3, 1, 2).normalized(.imageNet)
        let reconstruction = model.reconstruct(images, noise: try item.tensor("in/noise"))
        let panels = try #require(
            ReconstructionPanels(reconstruction, normalization: .imageNet).samples.first)
        for (name, panel) in panels {
            let name = name == "completed" ? "reconstruction_plus_visible" : name
            // Values are cut to whole numbers, so a rounding error can move one across the edge.
            item.compare(
                "out/\(name)",
                Tensor(panel.pixels.map { Int32($0) }, shape: [side, side, channels]),
                tolerance: .absolute(1))
        }
        item.finish()
    }
}
