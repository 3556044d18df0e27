import Checkpoints
import NN
import TestSupport
import Testing
import Torch
import VisionModels

/// What recorded loaders made of recorded checkpoints.
@Suite("Checkpoints loaded as their families load them") struct CheckpointParityTests {
    /// The checkpoint of a case; nil, with a line that says so, where this folder lacks it.
    private func checkpoint(_ item: ParityCase) throws -> String? {
        let relative = "\(item.family)/\(try item.config.string("checkpoint"))"
        if let path = ParityFolder.inUse.file(relative) { return path }
        print("\(relative): not in \(ParityFolder.inUse.path), not compared")
        return nil
    }

    @Test(
        "MAE's encoder for probing, positions resized",
        arguments: ParityTable.cases("beyondcls", "beyond_load_mae_*"))
    func mae(item: ParityCase) throws {
        guard let path = try checkpoint(item) else { return }
        let config = try item.config
        let loaded = try CheckpointLoader(
            .init(heads: config.int("num_heads"), imageSize: config.int("img_size"))
        ).load(path)
        let model = try loaded.visionTransformer()
        #expect(model.config.patchSize == (try config.int("patch_size")))
        #expect(model.config.width == (try config.int("embed_dim")))
        #expect(loaded.family.name == "mae" && loaded.report.coverage == 1)
        // What the reference left aside is what the report calls unused.
        let unused = loaded.report.unused.flatMap(\.names)
        #expect(Set(unused) == Set(try config.array("unexpected").map { try $0.string }))
        let tensors = Dictionary(uniqueKeysWithValues: model.stateDict)
        item.compare("out/pos_embed", try #require(tensors["pos_embed"]))
        let images = try item.tensor("in/imgs")
        let tokens = noGrad { model.encode(model.tokens(images)) }
        item.compare("out/raw", tokens)
        item.compare("out/pos", tokens[0..., model.extraTokens...].mean(1))
        item.finish()
    }
}
