import NN
import TestSupport
import Testing
import Torch
import VisionModels

/// The parts of MAE's vision transformer, and its classifier.
@Suite("ViT parts equal to MAE's") struct ViTPartsParityTests {
    @Test("drop path, and its rates", arguments: ParityTable.cases("beyondcls", "drop_path"))
    func dropPath(item: ParityCase) throws {
        let rate = try item.config.double("drop_prob")
        item.compare(
            "out/y",
            DropPath.apply(
                try item.tensor("in/x"), rate: rate, uniform: try item.tensor("in/u")))
        // The name holds the settings: rates_depth12_max01 is 12 blocks up to 0.1.
        for key in try item.config.keys where key.hasPrefix("rates_depth") {
            let recorded = try item.config.array(key).map { try $0.double }
            let rates = DropPath.rates(depth: recorded.count, last: recorded.last ?? 0)
            expect(
                Tensor(rates), closeTo: Tensor(recorded), atol: 1e-5, rtol: 1e-4, key)
        }
        item.finish()
    }

    @Test("I-JEPA's drop path", arguments: ParityTable.cases("stop", "drop_path"))
    func dropPathOfJEPA(item: ParityCase) throws {
        item.compare(
            "out/y",
            DropPath.apply(
                try item.tensor("in/x"), rate: try item.config.double("drop_prob"),
                uniform: try item.tensor("in/uniform")),
            tolerance: .exact)
        item.finish()
    }

    @Test(
        "positions at another size",
        arguments: ParityTable.cases("beyondcls", "pos_embed_interpolation"))
    func positionResize(item: ParityCase) throws {
        for (index, row) in try item.config.array("cases_src_dst_extra").enumerated() {
            let (source, target, extra) = (try row[0].int, try row[1].int, try row[2].int)
            item.compare(
                "out/pos_embed\(index)",
                PositionResize.bicubic.apply(
                    try item.tensor("in/pos_embed\(index)"),
                    from: PatchGrid(rows: source, columns: source),
                    to: PatchGrid(rows: target, columns: target), extraTokens: extra))
        }
        item.finish()
    }

    @Test("sin-cos positions", arguments: ParityTable.cases("beyondcls", "mae_sincos_pos_embed"))
    func sinCos(item: ParityCase) throws {
        for row in try item.config.array("cases") {
            let (width, side, classToken) = (try row[0].int, try row[1].int, try row[2].bool)
            let grid = PatchGrid(rows: side, columns: side)
            item.compare(
                "out/d\(width)_g\(side)_cls\(classToken ? 1 : 0)",
                SinCosEmbedding.make(grid, width: width, classToken: classToken)[0],
                tolerance: Tolerance(atol: 1e-7, rtol: 1e-6))
        }
        item.finish()
    }

    @Test("patches and back", arguments: ParityTable.cases("beyondcls", "mae_patchify"))
    func patches(item: ParityCase) throws {
        let images = try item.tensor("in/imgs")
        let size = try item.config.int("patch_size")
        let (_, _, height, width) = images.shape4
        let patches = patchify(images, patchSize: size)
        item.compare("out/patches", patches, tolerance: .exact)
        item.compare(
            "out/unpatchified",
            unpatchify(
                patches, patchSize: size,
                grid: PatchGrid(rows: height / size, columns: width / size)),
            tolerance: .exact)
        item.finish()
    }

    @Test(
        "classifier: features, logits, losses, gradients",
        arguments: ParityTable.cases("beyondcls", "mae_vit_finetune_*"), [true, false])
    func classifier(item: ParityCase, oneDNN: Bool) throws {
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            let settings = try item.config
            var config = VisionTransformer.Config()
            config.imageSize = try settings.int("img_size")
            config.patchSize = try settings.int("patch_size")
            config.width = try settings.int("embed_dim")
            config.depth = try settings.int("depth")
            config.heads = try settings.int("num_heads")
            config.normEps = try settings.double("ln_eps")
            if try settings.bool("global_pool") {
                (config.pooling, config.finalNorm) = (.mean, .pooled)
            }
            config.positions = .learned  // trained in fine-tuning
            let model = ViTClassifier(
                try VisionTransformer(config, generator: nil),
                classCount: try settings.int("num_classes"), generator: nil)
            try model.load(item.weights)

            let images = try item.tensor("in/imgs")
            item.compare("out/features", model.features(images))
            let logits = model(images)
            item.compare("out/logits", logits)
            let targets = try item.tensor("in/targets")
            item.compare("out/loss_ce", logits.crossEntropy(targets))
            let smooth = logits.crossEntropy(targets, smoothing: 0.1)
            item.compare("out/loss_label_smooth01", smooth)
            let soft = logits.crossEntropy(try item.tensor("in/soft_targets"))
            item.compare("out/loss_soft_target", soft)
            (smooth + soft * 0.5).backward()
            item.compareGradients(of: model.namedParameters)
            item.finish()
        }
    }
}
