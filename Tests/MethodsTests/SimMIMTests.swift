import Configuration
import Data
import Foundation
import NN
import Optimizers
import Testing
import Torch
import Training
import VisionModels

@testable import Methods

@Suite("SimMIM") struct SimMIMTests {
    private static var vit: VisionTransformer.Config {
        var config = VisionTransformer.Config.publishedSimMIM
        (config.imageSize, config.patchSize, config.channels) = (16, 4, 1)
        (config.width, config.depth, config.heads, config.dropPath) = (16, 2, 2, 0)
        return config
    }

    private static var swin: SwinTransformer.Config {
        var config = SwinTransformer.Config.publishedSimMIM
        (config.imageSize, config.patchSize, config.channels) = (16, 2, 1)
        (config.width, config.depths, config.heads, config.window) = (8, [1, 2], [1, 2], 2)
        return config
    }

    private static func make<Shape: SimMIMModel>(_ shape: Shape, unit: Int = 8) throws
        -> SimMIM<Shape>
    {
        var config = SimMIM<Shape>.Config()
        config.masks.unit = unit
        try config.validate()
        let generator = Generator(seed: 1)
        return try SimMIM(
            config, backbone: shape.encoder(generator: generator), generator: generator)
    }

    private static var images: Tensor {
        .normal([3, 1, 16, 16], generator: Generator(seed: 2))
    }

    /// The upper left quarter, on the patches of either model.
    private static func quarter(_ side: Int) -> Tensor {
        let half = side / 2
        let values: [Float] = (0..<side * side).map {
            $0 / side < half && $0 % side < half ? 1 : 0
        }
        return Tensor(values, shape: [1, side, side]).expanded([3, side, side])
    }

    @Test("hidden pixels alone count, and the encoder does not see them")
    func hidden() throws {
        func check<Shape: SimMIMModel>(_ shape: Shape) throws {
            let method = try Self.make(shape)
            method.evaluate()
            let mask = Self.quarter(16 / shape.patchSize)
            let loss = noGrad { method.loss(Self.images, mask: mask) }
            let predicted = noGrad { method.predict(Self.images, mask: mask) }
            #expect(predicted.shape == Self.images.shape)
            let error = (predicted - Self.images).abs()[0..., 0..., ..<8, ..<8].mean()
            #expect((loss - error).abs().item < 1e-5)
            // Other pixels under the mask change the target, not the prediction.
            let other = Self.images.detached() * 1
            noGrad { other[0..., 0..., ..<8, ..<8].multiplyInPlace(by: -3) }
            let again = noGrad { method.predict(other, mask: mask) }
            #expect((again - predicted).abs().max().item < 1e-6)
        }
        try check(Self.vit)
        try check(Self.swin)
    }

    @Test("a few steps on the same pictures lower the loss; every weight has a gradient")
    func learns() throws {
        func check<Shape: SimMIMModel>(_ shape: Shape) throws {
            let method = try Self.make(shape)
            let optimizer = AdamW(ParameterGroup.byDecay(method.namedParameters))
            let mask = Self.quarter(16 / shape.patchSize)
            var losses: [Double] = []
            for step in 0..<20 {
                let loss = method.loss(Self.images, mask: mask)
                loss.backward()
                if step == 0 {
                    for (name, tensor) in method.namedParameters {
                        let place = "\(Shape.simMIMName) \(name)"
                        let gradient = try #require(tensor.gradient, "\(place)")
                        #expect(gradient.isFinite().allTrue, "\(place)")
                        #expect(gradient.abs().max().item > 0, "\(place)")
                    }
                }
                optimizer.step(learningRate: 0.01)
                optimizer.clearGradients()
                losses.append(loss.item)
            }
            #expect(try #require(losses.last) < 0.9 * losses[0], "\(losses)")
        }
        try check(Self.vit)
        try check(Self.swin)
    }

    @Test("the published decay, learning rate and start")
    func published() throws {
        let run = try RunConfiguration<SimMIM<VisionTransformer.Config>.Config>.resolve().value
        #expect(run.model == VisionTransformer.Config.publishedSimMIM)
        let schedules = RunSchedules(run, stepsPerEpoch: 10)
        // 1e-4 for 512 pictures, 2048 a step; a tenth after 700 epochs, a step late.
        #expect(abs(schedules.learningRate(at: 5000) - 4e-4) < 1e-12)
        #expect(abs(schedules.learningRate(at: 7000) - 4e-4) < 1e-12)
        #expect(abs(schedules.learningRate(at: 7001) - 4e-5) < 1e-12)
        #expect(schedules.learningRate(at: 0) == 2e-6 && schedules.learningRate(at: 1) == 2e-6)
        let method = try Self.make(Self.vit)
        let weights = Dictionary(method.namedParameters.map { ($0.name, $0.tensor.detached()) }) {
            first, _ in first
        }
        let qkv = try #require(weights["encoder.blocks.0.attn.qkv.weight"])
        #expect(qkv.abs().max().item <= 0.02 + 1e-6)
        let proj = try #require(weights["encoder.blocks.1.attn.proj.weight"])
        #expect(proj.abs().max().item <= 0.01 + 1e-6)
    }

    @Test("tables of relative positions decay as published, or do not")
    func bias() throws {
        func check<Shape: SimMIMModel>(_ shape: Shape) throws {
            for decays in [true, false] {
                var config = SimMIM<Shape>.Config()
                (config.masks.unit, config.decaysBiasTables) = (8, decays)
                let method = try SimMIM<Shape>(
                    config, backbone: shape.encoder(generator: Generator(seed: 1)),
                    generator: Generator(seed: 2))
                let decayed = method.parameterGroups.filter { $0.weightDecayScale > 0 }
                    .flatMap { $0.parameters.map(\.name) }
                let tables = method.namedParameters.map(\.name)
                    .filter { $0.hasSuffix("relative_position_bias_table") }
                #expect(!tables.isEmpty)
                for table in tables { #expect(decayed.contains(table) == decays, "\(table)") }
                #expect(decayed.contains { $0.hasSuffix("attn.proj.weight") })
                #expect(!decayed.contains { $0.hasSuffix("norm1.weight") })
            }
        }
        try check(Self.vit)
        try check(Self.swin)
        let run = try RunConfiguration<SimMIM<SwinTransformer.Config>.Config>.resolve().value
        #expect(run.method.decaysBiasTables && run.optim.clipsParts && run.optim.clip == 5)
    }

    @Test("encoders and masks that do not fit are refused")
    func refused() throws {
        var without = Self.vit
        without.masksPatches = false
        #expect(throws: ConfigurationError.self) { try Self.make(without) }
        var plain = Self.swin
        plain.maskedPatches = .none
        #expect(throws: ConfigurationError.self) { try Self.make(plain) }
        #expect(throws: ConfigurationError.self) { try Self.make(Self.vit, unit: 6) }
        var uneven = Self.swin
        uneven.imageSize += uneven.patchSize
        let error = #expect(throws: ConfigurationError.self) {
            try Self.make(uneven, unit: uneven.patchSize)
        }
        #expect(error?.key == "model.imageSize")
    }

    // MARK: - Recipes

    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("configs/pretrain/simmim")

    @Test("recipes say what the published configurations say, in keys that exist")
    func recipes() throws {
        func run<Method: MethodConfiguration>(_: Method.Type, _ file: String) throws
            -> RunConfiguration<Method>
        {
            let path = Self.folder.appendingPathComponent(file + ".yaml").path
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(text.contains("configs/pretrain/simmim/\(file).yaml"))
            let words = file.hasPrefix("fashion") ? [] : ["# Source:", "# Expected"]
            for word in words + ["# Hardware", "# Command:"] { #expect(text.contains(word)) }
            return try RunConfiguration<Method>.resolve(recipe: Recipe(contentsOf: path)).value
        }
        let vit = try run(SimMIM<VisionTransformer.Config>.Config.self, "vit-base-16")
        #expect(vit.model == VisionTransformer.Config.publishedSimMIM)
        #expect(vit.schedule.lagged?.milestones == [700])
        let sizes = [("swin-base-100ep", 128, 6), ("swin-base", 128, 6), ("swin-large", 192, 12)]
        for (file, width, window) in sizes {
            let swin = try run(SimMIM<SwinTransformer.Config>.Config.self, file)
            #expect(swin.model.width == width && swin.model.window == window)
            #expect(swin.model.lastWidth == 8 * width && swin.model.maskedPatches == .maskToken)
            let rate = RunSchedules(swin, stepsPerEpoch: 625)
            let peak = file == "swin-base-100ep" ? 8e-4 : 4e-4
            // Where the rise ends; with a cosine over the whole run that is already below the peak.
            let found = rate.learningRate(at: 10 * 625 + 1)
            #expect(found <= peak && found > 0.97 * peak, "\(file): \(found)")
        }
        let small = try run(SimMIM<VisionTransformer.Config>.Config.self, "fashion-mnist")
        let smallSwin = try run(SimMIM<SwinTransformer.Config>.Config.self, "fashion-mnist-swin")
        #expect(small.model.channels == 1 && smallSwin.model.channels == 1)
        #expect(smallSwin.model.imageSize / smallSwin.model.patchSize / smallSwin.model.window == 2)
        let count = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).count
        #expect(count == 3 + sizes.count)
    }
}
