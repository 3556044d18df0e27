import Configuration
import Data
import Foundation
import Imaging
import NN
import TestSupport
import Testing
import Torch
import Training
import VisionModels

@testable import Methods

@Suite("MAE") struct MAETests {
    private static func model(
        channels: Int = 3, imageSize: Int = 16, patchSize: Int = 4, classToken: Bool = true,
        positions: VisionTransformer.Config.Positions = .sinCos, seed: UInt64 = 1,
        _ change: (inout MAE.Config) -> Void = { _ in }
    ) throws -> MAE {
        var encoder = VisionTransformer.Config()
        (encoder.channels, encoder.imageSize, encoder.patchSize) = (channels, imageSize, patchSize)
        (encoder.width, encoder.depth, encoder.heads) = (16, 2, 2)
        (encoder.classToken, encoder.positions) = (classToken, positions)
        var config = MAE.Config()
        (config.decoderWidth, config.decoderDepth, config.decoderHeads) = (8, 2, 2)
        config.normalizePixels = true
        change(&config)
        let generator = Generator(seed: seed)
        return try MAE(
            config, backbone: VisionTransformer(encoder, generator: generator),
            generator: generator)
    }

    struct Shape: Sendable, CustomTestStringConvertible {
        var channels = 3
        var height = 16
        var width = 16
        var patchSize = 4
        var classToken = true
        var normalizesPixels = true
        var testDescription: String {
            "\(height)x\(width)x\(channels) in patches of \(patchSize)"
                + (classToken ? "" : " without class token") + (normalizesPixels ? "" : ", pixels")
        }
    }

    /// The loss as the paper writes it, from the prediction of the whole picture: the shortcut over
    /// dropped patches in the order of the mask gives the same.
    @Test(
        "loss = Σ mask · mean (x̂ − target)² / Σ mask",
        arguments: [
            Shape(), Shape(normalizesPixels: false), Shape(channels: 1, patchSize: 2),
            Shape(height: 8, width: 24), Shape(channels: 5, patchSize: 8),
            Shape(classToken: false), Shape(height: 28, width: 28, patchSize: 7),
        ])
    func lossFormula(_ shape: Shape) throws {
        let model = try Self.model(
            channels: shape.channels, imageSize: shape.height == shape.width ? shape.height : 16,
            patchSize: shape.patchSize, classToken: shape.classToken
        ) {
            $0.normalizePixels = shape.normalizesPixels
            $0.maskRatio = 0.6
        }
        let random = Generator(seed: 2)
        let images = Tensor.normal(
            [3, shape.channels, shape.height, shape.width], generator: random)
        let p = shape.patchSize
        let noise = Tensor.uniform([3, shape.height / p * (shape.width / p)], generator: random)
        let (_, predicted, mask) = model.predict(images, noise: noise)
        var target = patchify(images, patchSize: p)
        if shape.normalizesPixels {
            target =
                (target - target.mean(-1, keepDim: true))
                / (target.variance(-1, keepDim: true) + 1e-6).sqrt()
        }
        expect(model.target(patchify(images, patchSize: p)), closeTo: target, atol: 1e-5)
        let errors = (predicted - target).squared().mean(-1)
        let expected = (errors * mask.dropped).sum() / mask.dropped.sum()
        expect(
            model.loss(images, noise: noise).detached(), closeTo: expected.detached(), rtol: 1e-5)
    }

    @Test("every parameter gets a gradient, the fixed positions none")
    func gradients() throws {
        let model = try Self.model()
        model.loss(
            .normal([2, 3, 16, 16], generator: nil), noise: .uniform([2, 16], generator: nil)
        )
        .backward()
        for (name, parameter) in model.namedParameters {
            let gradient = try #require(parameter.gradient, "\(name)")
            #expect(gradient.isFinite().allTrue && gradient.abs().max().item > 0, "\(name)")
        }
        let buffers = model.state().filter { $0.role == .buffer }
        #expect(Set(buffers.map(\.name)) == ["pos_embed", "decoder_pos_embed"])
        #expect(buffers.allSatisfy { !$0.tensor.requiresGrad })
    }

    @Test("tensors are called as in MAE's checkpoints")
    func names() throws {
        let block = ["norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"]
        func pairs(_ modules: [String]) -> [String] {
            modules.flatMap { ["\($0).weight", "\($0).bias"] }
        }
        var expected = ["cls_token", "pos_embed", "mask_token", "decoder_pos_embed"]
        expected += pairs([
            "patch_embed.proj", "norm", "decoder_embed", "decoder_norm", "decoder_pred",
        ])
        for index in 0..<2 {
            expected += pairs(block.map { "blocks.\(index).\($0)" })
            expected += pairs(block.map { "decoder_blocks.\(index).\($0)" })
        }
        #expect(try Self.model().stateDict.map(\.name).sorted() == expected.sorted())
    }

    @Test("weights start as the authors' do")
    func initialization() throws {
        let model = try Self.model(imageSize: 32, patchSize: 8)
        for (name, tensor) in model.namedParameters {
            let values = tensor.detached()
            let (largest, shape) = (values.abs().max().item, tensor.shape)
            switch name {
            case "cls_token", "mask_token":
                #expect(largest > 0 && largest < 0.1, "\(name)")
            case "patch_embed.proj.bias":
                #expect(largest > 0 && largest <= 1 / (3.0 * 64).squareRoot(), "\(name)")
            case _ where shape.count > 1:
                let inputs = shape.dropFirst().reduce(1, *)
                let bound = (6 / Double(inputs + shape[0])).squareRoot()
                #expect(largest <= bound && largest > 0.9 * bound, "\(name)")
            case _ where name.contains("norm") && name.hasSuffix("weight"):
                expect(values, closeTo: .ones(shape), name)
            default:
                expect(values, closeTo: .zeros(shape), name)
            }
        }
        let state = Dictionary(uniqueKeysWithValues: model.state().map { ($0.name, $0.tensor) })
        let positions = try #require(state["decoder_pos_embed"])
        expect(
            positions,
            closeTo: SinCosEmbedding.make(
                PatchGrid(rows: 4, columns: 4), width: 8, classToken: true))
    }

    @Test("a seed makes the same weights, another seed others")
    func seeds() throws {
        func values(_ seed: UInt64) throws -> [[Float]] {
            try Self.model(seed: seed).parameters.map { $0.values() }
        }
        let first = try values(1)
        #expect(try values(1) == first)
        #expect(try values(2) != first)
    }

    @Test(
        "the reconstruction of a model of normalised patches has the original's mean and contrast")
    func denormalization() throws {
        let random = Generator(seed: 4)
        let images = Tensor.normal([2, 1, 16, 16], generator: random) * 3.0 + 2.0
        let noise = Tensor.uniform([2, 16], generator: random)
        let model = try Self.model(channels: 1)
        let (_, predicted, mask) = model.predict(images, noise: noise)
        let result = model.reconstruct(images, noise: noise)
        #expect(result.original.shape == images.shape && result.predicted.shape == images.shape)
        #expect(result.mask.shape == [2, 1, 16, 16] && !result.predicted.requiresGrad)
        let original = patchify(images, patchSize: 4)
        let expected =
            predicted.detached() * original.variance(-1, keepDim: true).sqrt()
            + original.mean(-1, keepDim: true)
        expect(patchify(result.predicted, patchSize: 4), closeTo: expected, atol: 1e-4)
        expect(
            patchify(result.mask, patchSize: 4).mean(-1), closeTo: mask.dropped, "mask of pixels")
        #expect(mask.dropped.sum().item == 24)
    }

    @Test("a batch's mask belongs to its pictures and epoch")
    func batch() throws {
        // Six pictures of 16 x 16 bytes in the format of MNIST.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "mae-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let header: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 6, 0, 0, 0, 16, 0, 0, 0, 16]
        let pixels = (0..<6 * 256).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let file = folder.appendingPathComponent("images")
        try Data(header + pixels).write(to: file)
        let plan = LoaderPlan(
            source: try IDXDataset(images: file.path, labels: nil),
            views: [
                ImagePipeline(
                    [Resize(size: 16, fit: .exact)], channels: 1, normalization: .none)
            ],
            sampler: try Sampler(count: 6, globalBatchSize: 6, seed: 9))
        let loader = try Loader(plan, options: LoaderOptions(threads: 1))
        let model = try Self.model(channels: 1)
        let batch = ImageBatch(try #require(try loader.next()))
        let first = model.loss(batch, at: Step(index: 0, epoch: 0, total: 1)).total
        let noise = batch.uniform(.mask, 16)
        #expect(first.item == model.loss(batch.images, noise: noise).item)
        let shown = model.reconstruct(batch)
        let mask = RandomMask(noise: noise, ratio: 0.75)
        expect(patchify(shown.mask, patchSize: 4).mean(-1), closeTo: mask.dropped)
    }

    @Test("settings that do not fit are refused with their key")
    func settings() throws {
        func key(_ body: () throws -> Void) -> String? {
            do {
                try body()
                return nil
            } catch { return (error as? ConfigurationError)?.key }
        }
        for (expected, change) in [
            ("maskRatio", { $0.maskRatio = 1 }), ("maskRatio", { $0.maskRatio = .nan }),
            ("decoderHeads", { $0.decoderHeads = 3 }), ("decoderHeads", { $0.decoderHeads = 0 }),
            ("decoderWidth", { $0.decoderWidth = 6 }), ("decoderDepth", { $0.decoderDepth = 0 }),
            ("method.maskRatio", { $0.maskRatio = 0.95 }),
        ] as [(String, (inout MAE.Config) -> Void)] {
            #expect(key { _ = try Self.model(change) } == expected)
        }
        var encoder = VisionTransformer.Config()
        (encoder.width, encoder.depth, encoder.heads, encoder.finalNorm) = (16, 1, 2, .pooled)
        #expect(
            key {
                _ = try MAE(
                    .init(), backbone: VisionTransformer(encoder, generator: nil),
                    generator: Generator(seed: 0))
            } == "model.finalNorm")
        (encoder.finalNorm, encoder.stem) = (.tokens, ConvolutionalStem.Form())
        #expect(
            key {
                _ = try MAE(
                    .init(), backbone: VisionTransformer(encoder, generator: nil),
                    generator: Generator(seed: 0))
            } == "model.stem")
    }

    @Test("the defaults are the authors'")
    func defaults() throws {
        let config = MAE.Config()
        #expect(config.maskRatio == 0.75 && !config.normalizePixels)
        #expect(
            (config.decoderWidth, config.decoderDepth, config.decoderHeads) == (512, 8, 16))
        try config.validate()
    }
}
