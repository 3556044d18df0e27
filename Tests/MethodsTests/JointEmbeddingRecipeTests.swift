import Configuration
import Data
import Foundation
import Imaging
import NN
import Optimizers
import Testing
import Training
import VisionModels

@testable import Methods

/// The published recipes say what the authors' configuration files say, in keys that exist.
@Suite("I-JEPA's and StoP's recipes") struct JointEmbeddingRecipeTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("configs/pretrain")

    private func run<Method: MethodConfiguration>(
        _: Method.Type, _ path: String
    ) throws -> RunConfiguration<Method> {
        let recipe = try Recipe(
            contentsOf: Self.folder.appendingPathComponent(path).path)
        return try RunConfiguration<Method>.resolve(recipe: recipe).value
    }

    /// What the authors' configuration files say otherwise for one model than for another.
    struct Published: Sendable, CustomTestStringConvertible {
        let file: String
        let size: String
        var patchSize = 16
        var imageSize = 224
        let predictorDepth: Int
        let epochs: Double
        let warmup: Double
        var lr = 1e-3
        var minLr = 1e-6
        var precision = Precision.bfloat16
        /// The epoch from which rate and decay stay as they are.
        var tail: Double? = nil
        var noiseStd = 0.25
        /// Pictures of a GPU, whose contexts are of one length.
        var part: Int
        var testDescription: String { file }
    }

    /// The sections that both methods have, number by number.
    private func check<Method: JointEmbeddingSettings>(
        _ run: RunConfiguration<Method>, _ published: Published
    ) throws {
        var encoder = try #require(
            VisionTransformer.Config(size: published.size, patchSize: published.patchSize))
        (encoder.imageSize, encoder.classToken) = (published.imageSize, false)
        #expect(run.model == encoder)
        #expect(run.run.precision == published.precision)

        let method = run.method
        #expect(method.predictorDepth == published.predictorDepth)
        #expect(method.predictorWidth == 384 && method.predictorHeads == nil)
        #expect(method.momentum == [0.996, 1] && !method.rescalesInit)
        let masks = method.masks
        #expect(masks.contexts == 1 && masks.targets == 4 && masks.minKeep == 10)
        #expect(masks.contextScale == [0.85, 1] && masks.targetScale == [0.15, 0.2])
        #expect(masks.aspectRatio == [0.75, 1.5] && !masks.allowOverlap)
        #expect(masks.truncation == .first && !masks.reachesEdges)
        try masks.validate(
            on: MaskGrid(
                height: published.imageSize, width: published.imageSize,
                patchSize: published.patchSize))

        let optim = run.optim
        #expect(optim.algorithm == .adamw && optim.betas == [0.9, 0.999] && optim.eps == 1e-8)
        #expect(optim.lr == published.lr && optim.weightDecay == 0.04 && optim.clip == nil)
        let schedule = run.schedule
        #expect(schedule.epochs == published.epochs && schedule.stretch == 1)
        #expect(schedule.warmupEpochs == published.warmup && schedule.startLr == 2e-4)
        #expect(schedule.minLr == published.minLr && schedule.endWeightDecay == 0.4)
        #expect(schedule.firstStep == 1 && !schedule.repeatsPeak && schedule.lagged == nil)
        for tail in [schedule.lrTail, schedule.weightDecayTail] {
            #expect(tail?.epoch == published.tail)
            #expect(tail?.shape == (published.tail == nil ? nil : .constant))
        }

        #expect(run.data.batchSize == 2048 && run.data.views.isEmpty)
        #expect(run.run.partCount * published.part == 2048)
        #expect(run.data.mean == [0.485, 0.456, 0.406] && run.data.std == [0.229, 0.224, 0.225])
    }

    /// The crop of all published runs.
    private func crop(_ published: Published) -> Transform {
        Transform(
            RandomResizedCrop(
                size: PixelSize(published.imageSize), scale: [0.3, 1],
                ratio: [3.0 / 4, 4.0 / 3], interpolation: .bilinear))
    }

    @Test(
        "I-JEPA",
        arguments: [
            Published(
                file: "vit-base-16", size: "base", predictorDepth: 6, epochs: 600, warmup: 40,
                part: 128),
            Published(
                file: "vit-large-16", size: "large", predictorDepth: 12, epochs: 600, warmup: 40,
                part: 128),
            Published(
                file: "vit-huge-14", size: "huge", patchSize: 14, predictorDepth: 12, epochs: 300,
                warmup: 40, part: 128),
            Published(
                file: "vit-huge-16-448", size: "huge", imageSize: 448, predictorDepth: 12,
                epochs: 300, warmup: 40, part: 16),
            Published(
                file: "vit-huge-14-in22k", size: "huge", patchSize: 14, predictorDepth: 12,
                epochs: 66, warmup: 3, part: 32),
            Published(
                file: "vit-giant-16-in22k", size: "giant", predictorDepth: 16, epochs: 44,
                warmup: 3, part: 16),
        ])
    func ijepa(_ published: Published) throws {
        let run = try run(IJEPA.Config.self, "ijepa/\(published.file).yaml")
        #expect(run.run.method == "ijepa")
        try check(run, published)
        var method = IJEPA.Config()
        method.predictorDepth = published.predictorDepth
        #expect(run.method == method)
        #expect(run.data.augment == [crop(published)])
    }

    @Test(
        "StoP",
        arguments: [
            // The file of this size turns half precision on, its README says float32.
            Published(
                file: "vit-base-16", size: "base", predictorDepth: 6, epochs: 600, warmup: 15,
                lr: 8e-4, minLr: 1e-4, precision: .float32, part: 64),
            Published(
                file: "vit-large-16", size: "large", predictorDepth: 12, epochs: 600, warmup: 15,
                lr: 8e-4, minLr: 1e-4, precision: .float32, part: 64),
            // Half precision is bfloat16 in its code wherever the device has it.
            Published(
                file: "vit-huge-16", size: "huge", predictorDepth: 12, epochs: 300, warmup: 40,
                tail: 250, noiseStd: 0.2, part: 64),
        ])
    func stop(_ published: Published) throws {
        let run = try run(StoP.Config.self, "stop/\(published.file).yaml")
        #expect(run.run.method == "stop")
        try check(run, published)
        let found = run.method
        #expect(found.noiseStd == published.noiseStd && found.targetBlocks == 1)
        #expect(found.positions == .stochastic && found.covariance == .tied)
        #expect(found.noisyTokens == .targets && !found.addsMaskToken)
        var method = StoP.Config()
        (method.predictorDepth, method.noiseStd) = (published.predictorDepth, published.noiseStd)
        #expect(run.method == method)
        // Its colour jitter has strength 0, so that of the colours only grey pictures are left.
        #expect(
            run.data.augment == [
                crop(published), Transform(HorizontalFlip(probability: 0.5)),
                Transform(Grayscale(probability: 0.2)),
                Transform(GaussianBlur(probability: 0.5, sigma: [0.1, 2])),
            ])
    }

    @Test(
        "predictors have the published number of parameters",
        arguments: [
            ("base", 16, 6, 11_238_912), ("large", 16, 12, 22_082_560),
            ("huge", 14, 12, 22_279_424), ("giant", 16, 16, 29_475_712),
        ])
    func predictors(size: String, patch: Int, depth: Int, count: Int) throws {
        let encoder = try #require(VisionTransformer.Config(size: size, patchSize: patch))
        let predictor = Init.leavingOut {
            Predictor(
                width: 384, depth: depth, heads: encoder.heads, encoder: encoder, generator: nil)
        }
        #expect(predictor.parameterCount == count)
    }

    @Test("the recipes for one GPU fit their grid and train the same model")
    func oneGPU() throws {
        let run = (
            jepa: try run(IJEPA.Config.self, "ijepa/one-gpu.yaml"),
            stop: try run(StoP.Config.self, "stop/one-gpu.yaml")
        )
        let grid = try MaskGrid(height: 224, width: 224, patchSize: 16)
        try run.jepa.method.masks.validate(on: grid)
        try run.stop.method.masks.validate(on: grid)
        #expect(run.jepa.model == run.stop.model && run.stop.method.noiseStd == 0.25)
        // Each the published rate of its method, over the root of 2048 / 256.
        #expect(abs(run.jepa.optim.lr! - 1e-3 / 8.0.squareRoot()) < 1e-5)
        #expect(abs(run.stop.optim.lr! - 8e-4 / 8.0.squareRoot()) < 1e-5)
        #expect(run.stop.data.augment?.count == 4)
        #expect(run.jepa.schedule.epochs == run.stop.schedule.epochs)
    }

    @Test("each published recipe names paper, hardware, expected numbers and command")
    func headers() throws {
        for method in ["ijepa", "stop"] {
            let folder = Self.folder.appendingPathComponent(method)
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
                .filter { $0.hasPrefix("vit-") }
            #expect(files.count == (method == "ijepa" ? 6 : 3))
            try expectHeaders(of: files, in: folder)
        }
    }
}
