import Configuration
import Data
import Foundation
import Imaging
import Testing
import Training
import VisionModels

@testable import Methods

/// The published recipes say what the papers say, in keys that exist.
@Suite("iBOT's and DINO's recipes") struct IBOTRecipeTests {
    typealias ViT = VisionTransformer.Config
    typealias Swin = SwinTransformer.Config

    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("configs/pretrain/ibot")

    private func run<Method: MethodConfiguration>(
        _: Method.Type, _ file: String
    ) throws -> RunConfiguration<Method> {
        let recipe = try Recipe(
            contentsOf: Self.folder.appendingPathComponent(file + ".yaml").path)
        return try RunConfiguration<Method>.resolve(recipe: recipe).value
    }

    struct Published: Sendable, CustomTestStringConvertible {
        let file: String
        let size: String
        let epochs: Double
        var dropPath = 0.1
        var prototypes = 8192
        var isRandom = false
        var testDescription: String { file }
    }

    @Test(
        "vision transformers",
        arguments: [
            Published(file: "vit-small-16", size: "small", epochs: 800),
            Published(
                file: "vit-small-16-clustering", size: "small", epochs: 800, prototypes: 1000),
            Published(file: "vit-base-16", size: "base", epochs: 400),
            Published(file: "vit-base-16-random", size: "base", epochs: 400, isRandom: true),
            Published(file: "vit-base-16-in22k", size: "base", epochs: 80),
            Published(file: "vit-large-16", size: "large", epochs: 250, dropPath: 0.4),
            Published(
                file: "vit-large-16-random", size: "large", epochs: 250, dropPath: 0.4,
                isRandom: true),
            Published(file: "vit-large-16-in22k", size: "large", epochs: 50, dropPath: 0.4),
        ])
    func vit(_ published: Published) throws {
        let run = try run(IBOT<ViT>.Config.self, published.file)
        let isSmall = published.size == "small"
        var model = try #require(ViT(size: published.size, patchSize: 16))
        (model.positions, model.positionResize) = (.learned, .iBOT)
        (model.masksPatches, model.dropPath) = (true, published.dropPath)
        #expect(run.model == model)
        var method = IBOT<ViT>.Config()
        method.prototypes = published.prototypes
        if published.isRandom {
            (method.masks.ratio, method.masks.spread) = ([0, 0.7], [0, 0.05])
            method.masks.shape = .random
        }
        if !isSmall {
            (method.globalScale, method.localScale) = ([0.32, 1], [0.05, 0.32])
            (method.head.fixesGain, method.freezeLastLayer) = (true, 3)
            (method.classTemperature.epochs, method.patchTemperature.epochs) = (50, 50)
        }
        #expect(run.method == method)
        #expect(run.optim.baseLr == (isSmall ? 5e-4 : 7.5e-4) && run.optim.lr == nil)
        #expect(run.optim.clip == (isSmall ? 3 : 0.3) && run.optim.clipEach)
        #expect(run.schedule.minLr == (isSmall ? 1e-6 : 2e-6))
        try common(run, epochs: published.epochs, batch: 1024)
    }

    @Test("Swin transformers", arguments: [(7, 1024), (14, 1040)])
    func swin(window: Int, batch: Int) throws {
        let run = try run(IBOT<Swin>.Config.self, "swin-tiny-\(window)")
        var model = try #require(Swin(size: "tiny"))
        (model.maskedPatches, model.normEps, model.dropPath) = (.maskedEmbed, 1e-6, 0.1)
        model.window = window
        #expect(run.model == model)
        var method = IBOT<Swin>.Config()
        method.masks.startEpoch = 50
        #expect(run.method == method)
        #expect(run.optim.baseLr == 5e-4 && run.optim.clip == 3)
        try common(run, epochs: 300, batch: batch)
    }

    @Test("DINO")
    func dino() throws {
        let run = try run(IBOT<ViT>.Config.self, "dino-vit-small-16")
        var method = IBOT<ViT>.Config()
        (method.patchWeight, method.prototypes) = (0, 65536)
        #expect(run.method == method && run.optim.clip == nil && run.schedule.minLr == 1e-5)
        #expect(!run.model.masksPatches)
        try common(run, epochs: 800, batch: 1024)
    }

    private func common<Shape: DistilledModel>(
        _ run: RunConfiguration<IBOT<Shape>.Config>, epochs: Double, batch: Int
    ) throws {
        #expect(run.run.method == IBOT<Shape>.name)
        try run.method.validate(for: run.model)
        let views = run.method.views(size: 224)
        try run.method.validate(views: views, for: run.model)
        #expect(views.count == 12 && views[11].size == 96)
        #expect(run.optim.betas == [0.9, 0.999] && run.optim.weightDecay == 0.04)
        #expect(run.schedule.epochs == epochs && run.schedule.warmupEpochs == 10)
        #expect(run.schedule.endWeightDecay == 0.4 && run.schedule.repeatsPeak)
        #expect(run.data.batchSize == batch)
    }

    @Test("recipes of small grey pictures fit their views")
    func small() throws {
        func check<Shape: DistilledModel>(_ run: RunConfiguration<IBOT<Shape>.Config>) throws {
            try run.method.validate(for: run.model)
            #expect(run.data.views.reduce(0) { $0 + $1.count } == 2 + run.method.localCrops)
            #expect(run.run.method == IBOT<Shape>.name && run.model.channels == 1)
            #expect(run.model.imageSize / run.model.maskUnit == 4)
        }
        try check(run(IBOT<ViT>.Config.self, "fashion-mnist"))
        try check(run(IBOT<Swin>.Config.self, "fashion-mnist-swin"))
    }

    @Test("the recipe for one GPU fits its views and its model")
    func oneGPU() throws {
        let run = try run(IBOT<ViT>.Config.self, "one-gpu")
        try run.method.validate(for: run.model)
        try run.method.validate(views: run.method.views(size: 224), for: run.model)
        #expect(run.run.precision == .bfloat16 && run.method.packsCrops)
    }

    @Test("each published recipe names paper, hardware, expected numbers and command")
    func headers() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
            .filter { !$0.hasPrefix("fashion-mnist") && $0 != "one-gpu.yaml" }
        #expect(files.count == 11)
        try expectHeaders(of: files, in: Self.folder)
    }
}
