import Configuration
import Data
import Foundation
import Imaging
import NN
import Testing
import Training
import VisionModels

@testable import Methods

/// The published recipes say what the papers say, in keys that exist.
@Suite("Recipes of fine-tuning") struct FineTuningRecipeTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("configs/finetune")

    private static func recipe(_ name: String) throws -> Recipe {
        try Recipe(contentsOf: folder.appendingPathComponent(name + ".yaml").path)
    }

    private static func run(_ name: String) throws -> RunConfiguration<ViTFineTuning.Config> {
        let run = try RunConfiguration<ViTFineTuning.Config>.resolve(recipe: recipe(name)).value
        #expect(run.run.method == "finetune")
        return run
    }

    private static func swin(
        _ name: String
    ) throws -> RunConfiguration<FineTuning<SwinTransformer.Config>.Config> {
        let run = try RunConfiguration<FineTuning<SwinTransformer.Config>.Config>
            .resolve(recipe: recipe(name)).value
        #expect(run.run.method == "finetune-swin")
        return run
    }

    /// What all published recipes have.
    private static func expectCommon<Config>(
        _ run: RunConfiguration<Config>, mixing: MixingSettings?, smoothing: Double,
        erasing: Double = 0.25
    ) throws {
        #expect(mixing == MixingSettings() && smoothing == 0.1)
        #expect(run.optim.weightDecay == 0.05 && run.optim.betas == [0.9, 0.999])
        let steps = try #require(run.data.augment).map(\.step)
        #expect(steps.count == 4)
        let crop = try #require(steps[0] as? RandomResizedCrop)
        #expect(crop.size == 224 && crop.scale == [0.08, 1] && crop.interpolation == .bicubic)
        #expect(steps[1] is HorizontalFlip)
        #expect((steps[2] as? RandAugment)?.policy.text == "rand-m9-mstd0.5-inc1")
        #expect((steps[3] as? RandomErasing)?.probability == erasing)
        #expect((steps[3] as? RandomErasing)?.mode == .pixel)
    }

    @Test(
        "MAE: sizes, rates and depths of dropping",
        arguments: [
            ("vit-base-16", "base", 5e-4, 100.0, 0.65, 0.1),
            ("vit-large-16", "large", 1e-3, 50, 0.75, 0.2),
            ("vit-huge-14", "huge", 1e-3, 50, 0.75, 0.3),
        ])
    func mae(
        name: String, size: String, baseLr: Double, epochs: Double, decay: Double, dropPath: Double
    ) throws {
        let run = try Self.run("mae/\(name)")
        var model = try #require(VisionTransformer.Config(size: size))
        (model.positions, model.pooling, model.finalNorm) = (.learned, .mean, .pooled)
        model.dropPath = dropPath
        #expect(run.model == model)
        #expect(run.optim.baseLr == baseLr && run.optim.lr == nil && run.optim.clip == nil)
        #expect(run.data.batchSize == 1024 && run.method.layerDecay == decay)
        #expect((run.schedule.epochs, run.schedule.warmupEpochs) == (epochs, 5))
        #expect(run.schedule.minLr == 1e-6 && run.schedule.lagged == nil)
        #expect(run.method.headStd == 2e-5 && run.method.average == nil)
        #expect(run.method.testPictures(imageSize: 224).resized(224) == 256)
        #expect(run.method.testPictures(imageSize: 384).resized(384) == 384)
        try Self.expectCommon(
            run, mixing: run.method.mixing, smoothing: run.method.smoothing)
    }

    @Test("MAE's recipe for ViT-B is the default")
    func defaults() throws {
        var recipe = try Self.run("mae/vit-base-16")
        let steps = ViTFineTuning.Config.augmentation(size: 224).steps
        #expect(recipe.data.augment == steps)
        recipe.data.augment = nil
        recipe.run.method = ""
        let plain = try RunConfiguration<ViTFineTuning.Config>.resolve().value
        #expect(recipe.model == plain.model && recipe.method == plain.method)
        #expect(recipe.data.batchSize == plain.data.batchSize)
        #expect(recipe.optim.baseLr == plain.optim.baseLr)
        #expect(recipe.schedule.epochs == plain.schedule.epochs)
    }

    @Test("SimMIM: rates for 2048 pictures, a step late; own tables; Swin's do not decay")
    func simMIM() throws {
        func check<Config>(_ run: RunConfiguration<Config>) {
            #expect(run.data.batchSize == 2048 && run.optim.clip == 5)
            #expect(run.optim.lr == 1.25e-3 * 4)
            #expect(run.schedule.startLr == 2.5e-7 * 4 && run.schedule.minLr == 2.5e-7 * 4)
            #expect((run.schedule.epochs, run.schedule.warmupEpochs) == (100, 20))
            #expect(run.schedule.lagged?.shape == .cosine)
            #expect(run.schedule.lagged?.perEpoch == false)
        }
        let vit = try Self.run("simmim/vit-base-16")
        check(vit)
        #expect(vit.model.relativePositions == .perBlock && vit.model.positions == .none)
        #expect(vit.model.layerScale == 0.1 && vit.model.qkvBias == .queryAndValue)
        #expect(vit.model.finalNorm == .pooled && vit.model.dropPath == 0.1)
        #expect(vit.method.layerDecay == 0.65 && vit.method.decaysBiasTables)
        try Self.expectCommon(vit, mixing: vit.method.mixing, smoothing: vit.method.smoothing)
        for (name, size, window, dropPath, decay) in [
            ("swin-base", "base", 7, 0.1, 0.8), ("swin-large", "large", 14, 0.2, 0.7),
        ] {
            let swin = try Self.swin("simmim/\(name)")
            check(swin)
            var model = try #require(SwinTransformer.Config(size: size))
            (model.window, model.dropPath) = (window, dropPath)
            #expect(swin.model == model)
            #expect(swin.method.layerDecay == decay && !swin.method.decaysBiasTables)
            try Self.expectCommon(
                swin, mixing: swin.method.mixing, smoothing: swin.method.smoothing)
        }
    }

    @Test(
        "iBOT: BEiT's recipe with a rate that the batch does not scale",
        arguments: [
            ("vit-small-16", 384, 200.0, 20.0, 0.75, 0.1),
            ("vit-base-16", 768, 100, 20, 0.65, 0.2),
            ("vit-large-16", 1024, 50, 5, 0.75, 0.4),
        ])
    func ibot(
        name: String, width: Int, epochs: Double, warmup: Double, decay: Double, dropPath: Double
    ) throws {
        let run = try Self.run("ibot/\(name)")
        #expect(run.model.width == width && run.model.dropPath == dropPath)
        #expect(run.model.pooling == .token && run.model.finalNorm == .tokens)
        #expect(run.optim.lr == 4e-3 && run.schedule.minLr == 1e-6 && run.schedule.repeatsPeak)
        #expect((run.schedule.epochs, run.schedule.warmupEpochs) == (epochs, warmup))
        #expect(run.method.layerDecay == decay && run.method.interpolation == .bilinear)
        #expect(run.data.batchSize == 1024)
        try Self.expectCommon(run, mixing: run.method.mixing, smoothing: run.method.smoothing)
    }

    @Test("few labels: the first layer of the projection head stays, at 5e-6 for 512 pictures")
    func semiSupervised() throws {
        let run = try Self.run("ibot/vit-small-16-semi-supervised")
        // The recipe needs weights, which the command gives it.
        #expect(run.method.projection == ProjectionSettings())
        #expect(run.optim.baseLr * 2 == 5e-6 && run.schedule.epochs == 1000)
        #expect(run.method.average?.decay == 0.99996 && run.data.repeats == 3)
    }

    @Test(
        "DeiT: repeated augmentation, an average of the weights, a rate for each epoch",
        arguments: [
            ("cifar", 7.5e-6, 1000.0, 0.25), ("flowers", 7.5e-6, 1000, 0.25),
            ("cars", 7.5e-5, 1000, 0.25), ("inaturalist", 7.5e-6, 360, 0.1),
        ])
    func deit(name: String, rate: Double, epochs: Double, erasing: Double) throws {
        let run = try Self.run("deit/\(name)")
        #expect(run.optim.baseLr * 2 == rate && run.data.batchSize == 768)
        #expect(run.data.repeats == 3 && run.method.layerDecay == 1 && run.method.headStd == 0.02)
        #expect(run.method.average?.decay == 0.99996 && run.method.average?.warmup == false)
        // DeiT's code resizes to 256 / 224 of any size.
        #expect(run.method.testPictures(imageSize: 448).resized(448) == 512)
        #expect(run.schedule.lagged?.perEpoch == true && run.schedule.lagged?.shape == .cosine)
        #expect((run.schedule.epochs, run.schedule.warmupEpochs) == (epochs, 5))
        #expect(run.schedule.startLr == 1e-6 && run.schedule.minLr == 1e-5)
        try Self.expectCommon(
            run, mixing: run.method.mixing, smoothing: run.method.smoothing, erasing: erasing)
    }

    @Test("every recipe resolves, and names paper, hardware, expected numbers and command")
    func headers() throws {
        let names = try FileManager.default.subpathsOfDirectory(atPath: Self.folder.path)
            .filter { $0.hasSuffix(".yaml") }
        #expect(names.count >= 13)
        for name in names {
            let path = Self.folder.appendingPathComponent(name).path
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(text.contains("configs/finetune/\(name)"), "\(name)")
            #expect(text.contains("# Command: tessera finetune "), "\(name)")
            let isPublished = name.contains("/")
            for word in ["Source: ", "Hardware: ", "Expected, "] where isPublished {
                #expect(text.contains("# \(word)"), "\(name)")
            }
            let recipe = try Recipe(contentsOf: path)
            if recipe.text(at: "run.method") == "finetune" {
                _ = try RunConfiguration<ViTFineTuning.Config>.resolve(
                    recipe: recipe, overrides: ["method.weights=x"])
            } else {
                _ = try Self.swin(String(name.dropLast(5)))
            }
        }
    }
}
