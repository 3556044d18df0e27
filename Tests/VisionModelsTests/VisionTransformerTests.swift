import Configuration
import NN
import TestSupport
import Testing
import Torch
import VisionModels

@Suite("Vision transformer") struct VisionTransformerTests {
    private func config(_ change: (inout VisionTransformer.Config) -> Void = { _ in })
        -> VisionTransformer.Config
    {
        var config = VisionTransformer.Config()
        (config.imageSize, config.patchSize, config.width) = (16, 4, 8)
        (config.depth, config.heads) = (2, 2)
        change(&config)
        return config
    }

    @Test("published sizes have their published numbers of parameters")
    func sizes() throws {
        // Vectors and matrices of the encoder with fixed positions, without a head.
        let published = [
            ("tiny", 5.5), ("small", 21.6), ("base", 85.6), ("large", 303.1), ("giant", 1011.1),
        ]
        for (size, millions) in published {
            let config = try #require(VisionTransformer.Config(size: size))
            let d = config.width
            let hidden = Int(Double(d) * config.mlpRatio + 0.5)
            let block = 4 * d + 3 * d * d + 3 * d + d * d + d + 2 * d * hidden + hidden + d
            let count = config.depth * block + 2 * d + d + d * (3 * 16 * 16 + 1)
            #expect(abs(Double(count) / 1e6 - millions) < 0.1, "\(size)")
        }
        let tiny = try #require(VisionTransformer.Config(size: "tiny"))
        let model = try VisionTransformer(tiny, generator: nil)
        #expect(abs(Double(model.parameterCount) / 1e6 - 5.5) < 0.1)
        #expect(VisionTransformer.Config(size: "huge")?.patchSize == 14)
        #expect(VisionTransformer.Config(size: "colossal") == nil)
    }

    @Test("any height, width and number of channels", arguments: [1, 3, 6], [true, false])
    func shapes(channels: Int, classToken: Bool) throws {
        let model = try VisionTransformer(
            config {
                $0.channels = channels
                $0.classToken = classToken
            }, generator: nil)
        let extra = classToken ? 1 : 0
        for (height, width, count) in [(16, 16, 16), (8, 24, 12), (4, 4, 1), (18, 23, 20)] {
            let tokens = model(.normal([2, channels, height, width], generator: nil))
            #expect(tokens.shape == [2, count + extra, 8])
        }
    }

    @Test("each picture of a batch is encoded for itself")
    func independence() throws {
        let model = try VisionTransformer(config(), generator: Generator(seed: 1))
        let images = Tensor.normal([3, 3, 16, 16], generator: Generator(seed: 2))
        let alone = concatenated((0..<3).map { model(images[$0..<$0 + 1]) }, 0)
        expect(model(images).detached(), closeTo: alone.detached(), atol: 1e-5)
    }

    @Test("the patches' embedding is the convolution with their size as stride")
    func patchEmbedding() throws {
        let layer = PatchEmbedding(patchSize: 4, width: 8, generator: Generator(seed: 3))
        let images = Tensor.normal([2, 3, 12, 8], generator: Generator(seed: 4))
        let state = Dictionary(uniqueKeysWithValues: layer.stateDict.map { ($0.name, $0.tensor) })
        let weight = try #require(state["proj.weight"])
        let expected = images.conv2d(weight, state["proj.bias"], stride: 4)
            .flattened(2).transposed(1, 2)
        expect(layer(images).detached(), closeTo: expected.detached(), atol: 1e-5)
        expect(
            layer(patches: patchify(images, patchSize: 4)).detached(),
            closeTo: expected.detached(), atol: 1e-5)
    }

    @Test("convolutions in place of the patches' embedding")
    func stem() throws {
        let form = ConvolutionalStem.Form(channels: [5, 6], strides: [2, 2, 1])
        let model = try VisionTransformer(
            config { $0.stem = form }, generator: Generator(seed: 1))
        let names = model.stateDict.map(\.name).filter { $0.hasPrefix("patch_embed.") }
        #expect(
            names.filter { $0.hasSuffix("weight") }
                == [0, 1, 3, 4, 6].map { "patch_embed.stem.\($0).weight" })
        #expect(
            names.contains("patch_embed.stem.6.bias") && !names.contains { $0.contains("proj") })
        // Rows and columns beyond the last whole patch are dropped, whatever the strides make of them.
        model.evaluate()
        let images = Tensor.normal([2, 3, 18, 23], generator: Generator(seed: 2))
        let tokens = noGrad { model.patchEmbed(images) }
        #expect(tokens.shape == [2, 20, 8])
        expect(
            noGrad { model.patchEmbed(images[0..., 0..., ..<16, ..<20]) }, closeTo: tokens, atol: 0)
        // A token sees pixels of the patches around its own, not those farther away.
        noGrad { images[0..., 0..., ..<4, ..<4].fillInPlace(9) }
        let moved = (noGrad { model.patchEmbed(images) } - tokens).abs().maximum(over: 2)[0]
        #expect(
            moved.values(as: Float.self).enumerated().filter { $1 > 0 }.map(\.offset) == [
                0, 1, 5, 6,
            ])
        // Kernels are drawn anew, biases are zero.
        let bias = try #require(model.stateDict.first { $0.name == "patch_embed.stem.6.bias" })
        model.patchEmbed.initializeTruncatedNormal(std: 0.02, generator: Generator(seed: 3))
        let kernel = try #require(model.stateDict.first { $0.name == "patch_embed.stem.3.weight" })
        #expect(bias.tensor.abs().max().item == 0)
        #expect(abs(kernel.tensor.variance(0, 1, 2, 3).sqrt().item - 0.02) < 0.003)
    }

    @Test("patches run row by row, and inside row, column, channel")
    func patchOrder() {
        let images = Tensor.range(0..<2 * 4 * 6).reshaped(1, 2, 4, 6)
        let patches = patchify(images, patchSize: 2)
        #expect(patches.shape == [1, 6, 8])
        #expect(patches[0, 1].values(as: Int.self) == [2, 26, 3, 27, 8, 32, 9, 33])
        let grid = PatchGrid(rows: 2, columns: 3)
        #expect(unpatchify(patches, patchSize: 2, grid: grid).isEqual(to: images))
    }

    @Test("fixed positions are saved, not trained; learned ones both")
    func positions() throws {
        for positions in VisionTransformer.Config.Positions.allCases where positions != .none {
            let model = try VisionTransformer(
                config { $0.positions = positions }, generator: nil)
            let entry = try #require(model.state().first { $0.name == "pos_embed" })
            #expect(entry.tensor.shape == [1, 17, 8])
            #expect((entry.role == .parameter) == (positions == .learned))
        }
    }

    @Test("positions of another grid keep the class token's row and reach every patch")
    func resizedPositions() throws {
        let model = try VisionTransformer(
            config { $0.positions = .learned }, generator: Generator(seed: 5))
        let own = model.positions(height: 16, width: 16)
        #expect(model.positions(height: 19, width: 16).isEqual(to: own))
        let resized = model.positions(height: 8, width: 24)
        #expect(resized.shape == [1, 13, 8])
        expect(resized[0, 0].detached(), closeTo: own[0, 0].detached())
        resized.sum().backward()
        let entry = try #require(model.namedParameters.first { $0.name == "pos_embed" })
        #expect(entry.tensor.gradient?.abs().min().item ?? 0 > 0)
    }

    @Test("iBOT resamples the positions of pictures that are not square, even on its own grid")
    func ibotPositions() throws {
        let model = try VisionTransformer(
            config {
                $0.positions = .learned
                $0.positionResize = .bicubicOffset
            }, generator: Generator(seed: 6))
        let own = model.positions(height: 16, width: 16)
        #expect(model.positions(height: 18, width: 18).isEqual(to: own))
        let other = model.positions(height: 16, width: 18)
        #expect(other.shape == own.shape && !other.isEqual(to: own))
        // Its factor is (4 + 0.1) / 4 there.
        let expected = PositionResize.bicubicOffset.apply(
            own, from: PatchGrid(rows: 4, columns: 4), to: PatchGrid(rows: 4, columns: 4),
            extraTokens: 1, isSquare: false)
        #expect(other.isEqual(to: expected))
    }

    @Test("a mask hides what was under it")
    func mask() throws {
        let model = try VisionTransformer(
            config { $0.masksPatches = true }, generator: Generator(seed: 7))
        let images = Tensor.normal([1, 3, 16, 16], generator: Generator(seed: 8))
        let mask = (Tensor.range(0..<16) .>= 8).reshaped(1, 4, 4)
        let changed = concatenated([images[0..., 0..., ..<8], images[0..., 0..., 8...] * 3.0], 2)
        expect(model(images, mask: mask).detached(), closeTo: model(changed, mask: mask).detached())
        #expect(!model(images).isEqual(to: model(changed)))
    }

    @Test("the attention of every query sums to 1")
    func attention() throws {
        let model = try VisionTransformer(config(), generator: Generator(seed: 9))
        let weights = model.lastAttention(.normal([2, 3, 16, 16], generator: nil))
        #expect(weights.shape == [2, 2, 17, 17])
        expect(weights.sum(-1).detached(), closeTo: .ones([2, 2, 17]), atol: 1e-5)
    }

    @Test("an encoder's shape follows from its tensors")
    func inference() throws {
        let original = config {
            $0.channels = 1
            $0.width = 192
            $0.heads = 3
            $0.classToken = false
            $0.mlpRatio = 2
        }
        let model = try VisionTransformer(original, generator: nil)
        let shapes = Dictionary(
            uniqueKeysWithValues: model.stateDict.map { ($0.name, $0.tensor.shape) })
        #expect(try VisionTransformer.Config(inferredFrom: shapes) == original)
        let bare = shapes.filter { $0.key != "pos_embed" }
        #expect(throws: ConfigurationError.self) {
            try VisionTransformer.Config(inferredFrom: bare)
        }
        let rotary = try VisionTransformer.Config(inferredFrom: bare) { $0.rotary = .dinoV3 }
        #expect(rotary.positions == .none && rotary.imageSize == 224)
    }

    @Test("impossible settings are refused with their key")
    func impossible() {
        func key(_ change: (inout VisionTransformer.Config) -> Void) -> String? {
            do {
                _ = try VisionTransformer(config(change), generator: nil)
                return nil
            } catch { return (error as? ConfigurationError)?.key }
        }
        #expect(key { $0.imageSize = 18 } == "imageSize")
        #expect(key { $0.imageSize = 0 } == "imageSize")
        #expect(key { $0.patchSize = 0 } == "patchSize")
        #expect(key { $0.patchSize = -4 } == "patchSize")
        #expect(key { $0.heads = 3 } == "heads")
        #expect(key { $0.heads = 0 } == "heads")
        #expect(key { $0.width = 6 } == "width")
        #expect(key { $0.depth = 0 } == "depth")
        #expect(key { $0.channels = 0 } == "channels")
        #expect(key { $0.dropPath = 1 } == "dropPath")
        #expect(key { $0.dropPath = .nan } == "dropPath")
        #expect(key { $0.mlpRatio = 0 } == "mlpRatio")
        #expect(key { $0.normEps = -1 } == "normEps")
        #expect(key { _ in } == nil)
    }
}
