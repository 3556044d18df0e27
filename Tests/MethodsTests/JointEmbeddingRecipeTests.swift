import Configuration
import Data
import Foundation
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

    struct Published: Sendable, CustomTestStringConvertible {
        let file: String
        let size: String
        var patchSize = 16
        var imageSize = 224
        let predictorDepth: Int
        let epochs: Double
        let warmup: Double
        var testDescription: String { file }
    }

    @Test(
        "I-JEPA",
        arguments: [
            Published(
                file: "vit-base-16", size: "base", predictorDepth: 6, epochs: 600, warmup: 40),
            Published(
                file: "vit-large-16", size: "large", predictorDepth: 12, epochs: 600, warmup: 40),
            Published(
                file: "vit-huge-14", size: "huge", patchSize: 14, predictorDepth: 12, epochs: 300,
                warmup: 40),
            Published(
                file: "vit-huge-16-448", size: "huge", imageSize: 448, predictorDepth: 12,
                epochs: 300, warmup: 40),
            Published(
                file: "vit-huge-14-in22k", size: "huge", patchSize: 14, predictorDepth: 12,
                epochs: 66, warmup: 3),
            Published(
                file: "vit-giant-16-in22k", size: "giant", predictorDepth: 16, epochs: 44, warmup: 3
            ),
        ])
    func ijepa(_ published: Published) throws {
        let run = try run(IJEPA.Config.self, "ijepa/\(published.file).yaml")
        var encoder = try #require(
            VisionTransformer.Config(size: published.size, patchSize: published.patchSize))
        (encoder.imageSize, encoder.classToken) = (published.imageSize, false)
        #expect(run.model == encoder)
        var method = IJEPA.Config()
        method.predictorDepth = published.predictorDepth
        #expect(run.method == method)
        try method.masks.validate(
            on: MaskGrid(
                height: published.imageSize, width: published.imageSize,
                patchSize: published.patchSize))
        #expect(run.optim.lr == 1e-3 && run.optim.weightDecay == 0.04)
        #expect(run.schedule.epochs == published.epochs)
        #expect(run.schedule.warmupEpochs == published.warmup && run.schedule.minLr == 1e-6)
        #expect(run.schedule.startLr == 2e-4 && run.schedule.endWeightDecay == 0.4)
        #expect(run.data.batchSize == 2048 && run.data.augment?.count == 1)
    }

    @Test("StoP", arguments: [("base", 6), ("large", 12), ("huge", 12)])
    func stop(size: String, predictorDepth: Int) throws {
        let run = try run(StoP.Config.self, "stop/vit-\(size)-16.yaml")
        var encoder = try #require(VisionTransformer.Config(size: size, patchSize: 16))
        encoder.classToken = false
        #expect(run.model == encoder)
        let isHuge = size == "huge"
        var method = StoP.Config()
        (method.predictorDepth, method.noiseStd) = (predictorDepth, isHuge ? 0.2 : 0.25)
        #expect(run.method == method)
        #expect(run.optim.lr == (isHuge ? 1e-3 : 8e-4))
        #expect(run.schedule.minLr == (isHuge ? 1e-6 : 1e-4))
        #expect(run.schedule.epochs == (isHuge ? 300 : 600))
        #expect(run.schedule.warmupEpochs == (isHuge ? 40 : 15))
        for tail in [run.schedule.lrTail, run.schedule.weightDecayTail] {
            #expect(tail?.epoch == (isHuge ? 250 : nil))
            #expect(tail?.shape == (isHuge ? .constant : nil))
        }
        #expect(run.data.augment?.count == 4)
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
            for file in files {
                let text = try String(
                    contentsOfFile: folder.appendingPathComponent(file).path, encoding: .utf8)
                for word in ["Source: ", "Hardware: ", "Expected, ", "Command: tessera pretrain"] {
                    #expect(text.contains("# \(word)"), "\(file)")
                }
                #expect(text.contains("configs/pretrain/\(method)/\(file)"))
            }
        }
    }
}
