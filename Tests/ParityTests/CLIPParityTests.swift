import Checkpoints
import Foundation
import NN
import TensorFiles
import TestSupport
import Testing
import Torch
import VisionModels

/// CLIP's visual towers.
@Suite("CLIP's towers equal to the reference") struct CLIPParityTests {
    @Test(
        "the transformer: tokens, embedding, a larger picture",
        arguments: ParityTable.cases("mapet", "clip_visual"), [true, false])
    func transformer(item: ParityCase, oneDNN: Bool) throws {
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            let settings = try item.config
            let weights = try item.weights
            let config = try CLIPVisionTransformer.config(
                inferredFrom: weights.mapValues(\.shape), heads: try settings.int("heads"))
            #expect(config.width == (try settings.int("width")))
            #expect(config.depth == (try settings.int("layers")))
            #expect(config.imageSize == (try settings.int("res")))
            #expect(config.patchSize == (try settings.int("patch")))
            let model = try CLIPVisionTransformer(
                config, embedding: try settings.int("out"), generator: nil)
            try model.load(CLIPVisionTransformer.tensors(from: weights))
            let image = try item.tensor("in/image")
            let tokens = model.backbone(image)
            item.compare("out/tokens", tokens)
            item.compare("out/patch_tokens", tokens[0..., 1...])
            item.compare("out/projected_tokens", model.projectedTokens(image))
            item.compare("out/embedding", model(image))
            let big = try item.tensor("in/image_big")
            let (_, _, height, width) = big.shape4
            item.compare("out/pos_big", model.backbone.positions(height: height, width: width))
            item.compare("out/patch_tokens_big", model.backbone(big)[0..., 1...])
            item.finish()
        }
    }

    @Test(
        "the residual network: maps, cells, embedding",
        arguments: ParityTable.cases("mapet", "clip_resnet"))
    func residualNetwork(item: ParityCase) throws {
        let settings = try item.config
        var weights = try item.weights
        let config = try ModifiedResNet.Config(
            inferredFrom: weights.mapValues(\.shape), heads: try settings.int("heads"))
        #expect(config.depths == (try settings.array("layers").map { try $0.int }))
        #expect(config.width == (try settings.int("width")))
        #expect(config.imageSize == (try settings.int("input_resolution")))
        #expect(config.embedding == (try settings.int("output_dim")))
        // Cases record scalars with one dimension.
        for name in weights.keys where name.hasSuffix("num_batches_tracked") {
            weights[name] = weights[name]?.reshaped([])
        }
        let model = try ModifiedResNet(config, generator: nil)
        try model.load(weights)
        model.evaluate()
        let image = try item.tensor("in/image")
        let maps = model.maps(image)
        for (index, map) in maps.enumerated() { item.compare("out/side\(index)", map) }
        item.compare("out/side\(maps.count)", model(image))
        item.compare("out/grid_features", model.cells(image))
        #expect(model.grid(of: image).count == model.cells(image).shape[1])
        item.compare("out/attnpool_all", model.pooledTokens(image).transposed(0, 1))
        item.compare("out/embedding", model(image))
        let path = NSTemporaryDirectory() + "clip-\(UUID().uuidString).safetensors"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try SafeTensorsWriter.write(
            weights.map { (name: "visual." + $0.key, tensor: $0.value) }, to: path)
        let loaded = try CheckpointLoader(.init(heads: settings.int("heads"))).load(path)
        #expect(loaded.family.name == "clip-resnet" && loaded.report.isComplete)
        item.compare(
            "out/grid_features", try #require(loaded.model.lastBlocks(image, count: 1).last))
        item.finish()
    }

    @Test("a checkpoint of mixed precision")
    func checkpoint() throws {
        let name = "mapet/checkpoints/clip_state_dict"
        guard let path = ParityFolder.inUse.file("\(name).pt"),
            let recorded = try ParityFolder.inUse.json("\(name).json")
        else {
            print("\(name): not in \(ParityFolder.inUse.path), not compared")
            return
        }
        var weights: [String: Tensor] = [:]
        for (name, record) in try CheckpointFile(path: path).tensors()
        where name.hasPrefix("visual.") {
            weights[String(name.dropFirst("visual.".count))] = try Tensor(record)
        }
        let embedding = try #require(weights["proj"]?.shape.last)
        let config = try CLIPVisionTransformer.config(inferredFrom: weights.mapValues(\.shape))
        let inferred = try recorded.object("inferred")
        #expect(config.heads == (try inferred.int("vision_heads")))
        #expect(config.imageSize == (try inferred.int("image_resolution")))
        #expect(embedding == (try inferred.int("embed_dim")))
        let model = try CLIPVisionTransformer(config, embedding: embedding, generator: nil)
        try model.load(CLIPVisionTransformer.tensors(from: weights))
        let image = Tensor(
            try recorded.array("input").map { Float(try $0.double) },
            shape: try recorded.array("input_shape").map { try $0.int })
        let rows = try recorded.array("embedding").map { try $0.array.map { Float(try $0.double) } }
        expect(
            model(image),
            closeTo: Tensor(rows.flatMap { $0 }, shape: [rows.count, embedding]),
            atol: 1e-4, rtol: 1e-4)
        let sum = model.backbone(image)[0..., 1...].sum().item
        let tolerance = try recorded.double("tolerance")
        #expect(abs(sum - (try recorded.double("patch_tokens_sum"))) < tolerance)
    }
}
