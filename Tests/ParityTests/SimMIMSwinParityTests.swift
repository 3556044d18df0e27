import Checkpoints
import Methods
import NN
import TensorFiles
import TestSupport
import Testing
import Torch
import VisionModels

/// The Swin transformer against SimMIM's, which pre-trains and fine-tunes it.
@Suite("Swin equal to SimMIM's") struct SimMIMSwinParityTests {
    private func config(_ item: ParityCase) throws -> SwinTransformer.Config {
        let settings = try item.config.object("model")
        var config = SwinTransformer.Config()
        config.imageSize = try settings.int("img_size")
        config.patchSize = try settings.int("patch_size")
        config.width = try settings.int("embed_dim")
        config.depths = try settings.array("depths").map { try $0.int }
        config.heads = try settings.array("num_heads").map { try $0.int }
        config.window = try settings.int("window_size")
        if settings.contains("mlp_ratio") { config.mlpRatio = try settings.double("mlp_ratio") }
        if settings.contains("qkv_bias") { config.qkvBias = try settings.bool("qkv_bias") }
        if settings.contains("ape") { config.absolutePositions = try settings.bool("ape") }
        if settings.contains("patch_norm") { config.patchNorm = try settings.bool("patch_norm") }
        if settings.contains("ln_eps") { config.normEps = try settings.double("ln_eps") }
        config.savesMasks = true
        return config
    }

    @Test(
        "pre-training: every block, the picture, the loss, gradients",
        arguments: ParityTable.cases("beyondcls", "simmim_swin_pretrain"), [true, false])
    func preTraining(item: ParityCase, oneDNN: Bool) throws {
        final class Model: Module {
            let encoder: SwinTransformer
            let decoder: SimMIMDecoder
            init(_ encoder: SwinTransformer, _ decoder: SimMIMDecoder) {
                (self.encoder, self.decoder) = (encoder, decoder)
            }
        }
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            var config = try config(item)
            config.maskedPatches = .maskToken
            let model = Model(
                try SwinTransformer(config, generator: nil),
                SimMIMDecoder(
                    width: config.lastWidth, patchSize: try item.config.int("encoder_stride"),
                    generator: nil))
            try model.load(item.weights)
            let (images, mask) = (try item.tensor("in/imgs"), try item.tensor("in/mask"))
            item.compare("out/patch_embed", model.encoder.tokens(images))
            var x = model.encoder.tokens(images, mask: mask)
            var grid = config.grid
            for (stage, layer) in model.encoder.layers.enumerated() {
                for (index, block) in layer.blocks.enumerated() {
                    x = block(x, on: grid)
                    item.compare("out/layer\(stage)_block\(index)", x)
                }
                guard let downsample = layer.downsample else { continue }
                x = downsample(x, on: grid)
                grid = PatchMerging.grid(after: grid)
                item.compare("out/layer\(stage)_downsample", x)
            }
            let cells = model.encoder(images, mask: mask)  // [B, N, D]
            let z = cells.transposed(1, 2)
                .reshaped(images.shape[0], config.lastWidth, grid.rows, grid.columns)
            item.compare("out/z", z)
            let picture = model.decoder(z)
            item.compare("out/x_rec", picture)
            let loss = MaskedPixelLoss.l1(picture, images, mask: mask)
            item.compare("out/loss", loss)
            loss.backward()
            item.compareGradients(of: model.namedParameters)
            item.finish()
        }
    }

    @Test(
        "fine-tuning: features, logits, loss, gradients",
        arguments: ParityTable.cases("beyondcls", "simmim_swin_finetune"), [true, false])
    func fineTuning(item: ParityCase, oneDNN: Bool) throws {
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            let config = try config(item)
            let inferred = try SwinTransformer.Config(
                inferredFrom: item.weights.mapValues(\.shape)
            ) { $0.normEps = config.normEps }
            #expect(inferred == config)
            let model = SwinClassifier(
                try SwinTransformer(config, generator: nil),
                classCount: try item.config.object("model").int("num_classes"), generator: nil)
            try model.load(item.weights)
            let images = try item.tensor("in/imgs")
            item.compare("out/features", model.features(images))
            let logits = model(images)
            item.compare("out/logits", logits)
            let loss = logits.crossEntropy(try item.tensor("in/targets"))
            item.compare("out/loss", loss)
            loss.backward()
            item.compareGradients(of: model.namedParameters)
            item.finish()
        }
    }

    /// The names hold the settings: swin_attn_mask_res12_win3_shift1, vit_rel_index_2x2.
    @Test(
        "rows of pairs, masks and the order of windows",
        arguments: ParityTable.cases("beyondcls", "simmim_buffers"))
    func buffers(item: ParityCase) throws {
        for name in try item.names("out/swin_attn_mask_") {
            let sizes = try #require(
                name.firstMatch(of: #/res(\d+)_win(\d+)_shift(\d+)/#)
            ).output
            let (side, window) = (try #require(Int(sizes.1)), try #require(Int(sizes.2)))
            let windows = Windows(
                of: PatchGrid(rows: side, columns: side), size: window,
                shift: try #require(Int(sizes.3)))
            item.compare(name, try #require(windows.mask), tolerance: .exact)
        }
        for name in try item.names("out/swin_rel_index_") {
            let side = try #require(Int(name.split(separator: "_").last ?? ""))
            let pairs = RelativePairs(of: PatchGrid(rows: side, columns: side), classToken: false)
            item.compare(name, pairs.rows.to(dtype: .int32))
        }
        for name in try item.names("out/vit_rel_index_") {
            let sizes = try #require(name.firstMatch(of: #/(\d+)x(\d+)/#)).output
            let grid = PatchGrid(
                rows: try #require(Int(sizes.1)), columns: try #require(Int(sizes.2)))
            item.compare(name, RelativePairs(of: grid, classToken: true).rows.to(dtype: .int32))
        }
        let map = try item.tensor("out/window_partition_in")
        for name in try item.names("out/window_partition_")
        where name != "out/window_partition_in" {
            let size = try #require(Int(name.split(separator: "_").last ?? ""))
            let (b, height, width, c) = map.shape4
            let windows = Windows(
                of: PatchGrid(rows: height, columns: width), size: size, shift: 0)
            let parts = windows.partition(map.flattened(1, 2))
            item.compare(name, parts.reshaped(-1, size, size, c))
            item.compare(
                "out/window_partition_in", windows.merge(parts).reshaped(b, height, width, c))
        }
        item.finish()
    }

    @Test(
        "what fine-tuning takes from pre-training",
        arguments: ["simmim_load_swin_same", "simmim_load_swin_bigger"].flatMap {
            ParityTable.cases("beyondcls", $0)
        })
    func loading(item: ParityCase) throws {
        let name = "beyondcls/\(try item.config.string("checkpoint"))"
        guard let path = ParityFolder.inUse.file(name) else {
            print("\(name): not in \(ParityFolder.inUse.path), not compared")
            return
        }
        let model = SwinClassifier(
            try SwinTransformer(config(item), generator: nil), classCount: 3, generator: nil)
        let report = try CheckpointLoader().load(into: model, from: path)
        #expect(report.isComplete && report.family == "simmim-swin")
        #expect(report.unused.flatMap(\.names).contains("mask_token"))
        let state = Dictionary(uniqueKeysWithValues: model.stateDict)
        #expect(
            Set(state.keys).subtracting(report.loaded.map(\.name))
                == Set(try item.config.array("untouched").map { try $0.string }))
        for name in try item.names("out/") {
            item.compare(name, try #require(state[String(name.dropFirst("out/".count))]))
        }
        item.finish()
    }
}
