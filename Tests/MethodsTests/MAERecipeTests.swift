import Configuration
import Foundation
import Methods
import Testing
import Training
import VisionModels

/// The published recipes say what the paper says, in keys that exist.
@Suite("MAE's recipes") struct MAERecipeTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("configs/pretrain/mae")

    @Test(
        "published sizes, masks and schedules",
        arguments: [("base", "vit-base-16"), ("large", "vit-large-16"), ("huge", "vit-huge-14")])
    func published(size: String, name: String) throws {
        let path = Self.folder.appendingPathComponent("\(name).yaml").path
        let recipe = try Recipe(contentsOf: path)
        let run = try RunConfiguration<MAE.Config>.resolve(recipe: recipe).value
        #expect(run.run.method == MAE.name)
        #expect(run.model == VisionTransformer.Config(size: size))
        var method = MAE.Config()
        method.normalizePixels = true
        #expect(run.method == method)
        #expect(run.data.batchSize == 4096 && run.data.augment?.count == 2)
        #expect(run.optim.baseLr == 1.5e-4 && run.optim.lr == nil && run.optim.weightDecay == 0.05)
        #expect(run.optim.betas == [0.9, 0.95])
        #expect(run.schedule.epochs == 1600 && run.schedule.warmupEpochs == 40)
    }

    @Test("each recipe names paper, hardware, expected numbers and command")
    func headers() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
            .filter { $0.hasPrefix("vit-") }
        #expect(files.count == 3)
        try expectHeaders(of: files, in: Self.folder)
    }
}
