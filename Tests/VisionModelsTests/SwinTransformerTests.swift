import Configuration
import NN
import Testing
import Torch
import VisionModels

@Suite("Swin") struct SwinTransformerTests {
    private var small: SwinTransformer.Config {
        var config = SwinTransformer.Config()
        (config.imageSize, config.patchSize, config.width) = (48, 4, 8)
        (config.depths, config.heads, config.window) = ([2, 2], [1, 2], 4)
        return config
    }

    @Test(
        "windows are undone, with padding and shift", arguments: [(4, 0), (4, 2), (5, 2), (3, 1)])
    func windows(size: Int, shift: Int) {
        let grid = PatchGrid(rows: 7, columns: 9)
        let windows = Windows(of: grid, size: size, shift: shift)
        let x = Tensor.normal([2, grid.count, 3], generator: Generator(seed: 1))
        let parts = windows.partition(x)
        #expect(parts.shape == [2, windows.count, size * size, 3])
        #expect(windows.merge(parts).isEqual(to: x))
        #expect(
            windows.mask?.shape == (shift == 0 ? nil : [windows.count, size * size, size * size]))
    }

    @Test("pictures that are not square, sizes and widths of all blocks")
    func shapes() throws {
        let model = try SwinTransformer(small, generator: Generator(seed: 1))
        model.evaluate()
        let images = Tensor.normal([2, 3, 36, 60], generator: Generator(seed: 2))
        let grid = model.grid(of: images)
        #expect(grid == PatchGrid(rows: 5, columns: 8))
        let outputs = model.lastBlocks(images, count: 3)
        #expect(outputs.map(\.shape) == [[2, 9 * 15, 8], [2, 40, 16], [2, 40, 16]])
        #expect(model.widths(ofLast: 3) == [8, 16, 16])
        #expect(model(images).shape == [2, 40, 16])
        #expect(model.feature(images).shape == [2, 16])
    }

    @Test("attention with and without recorded gradients is the same")
    func fusedAttention() throws {
        let model = try SwinTransformer(small, generator: Generator(seed: 1))
        model.evaluate()
        let images = Tensor.normal([1, 3, 48, 48], generator: Generator(seed: 2))
        let (recorded, free) = (model(images), noGrad { model(images) })
        #expect((recorded - free).abs().max().item < 1e-5)
    }

    @Test("the shape is told by the tensors; published sizes by their windows too")
    func inference() throws {
        for window in [6, 7, 12, 14] {
            var config = try #require(SwinTransformer.Config(size: "tiny"))
            config.window = window
            config.imageSize = window == 14 ? 224 : 32 * window
            config.depths = [2, 2, 2, 2]
            (config.width, config.heads) = (8, [1, 2, 2, 4])
            let model = try SwinTransformer(config, generator: Generator(seed: 1))
            let shapes = Dictionary(
                uniqueKeysWithValues: model.stateDict.map { ($0.name, $0.tensor.shape) })
            #expect(try SwinTransformer.Config(inferredFrom: shapes) == config)
        }
    }

    @Test("tensors that are no Swin's, and settings that make no sense, are refused by name")
    func refusals() throws {
        #expect(throws: ConfigurationError.self) {
            try SwinTransformer.Config(inferredFrom: ["cls_token": [1, 1, 8]])
        }
        #expect(throws: ConfigurationError.self) {
            try SwinTransformer.Config(
                inferredFrom: [
                    "patch_embed.proj.weight": [8, 3, 4, 4],
                    "layers.0.blocks.0.norm1.weight": [8],
                    "layers.0.blocks.0.attn.relative_position_bias_table": [48, 2],
                ])
        }
        for change: (inout SwinTransformer.Config) -> Void in [
            { $0.heads = [1] }, { $0.heads = [3, 3] }, { $0.imageSize = 30 }, { $0.window = 0 },
            { $0.depths = [] }, { $0.imageSize = 4 },
        ] {
            var config = small
            change(&config)
            #expect(throws: ConfigurationError.self) {
                try SwinTransformer(config, generator: nil)
            }
        }
    }
}
