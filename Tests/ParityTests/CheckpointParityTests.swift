import Foundation
import NN
import TensorFiles
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Checkpoints

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
        // Probing reads the last block, without the norm behind it.
        let tokens = noGrad { model.lastBlocks(images, count: 1)[0] }
        item.compare("out/raw", tokens)
        item.compare("out/pos", tokens[0..., model.extraTokens...].mean(1))
        item.finish()
    }

    @Test(
        "SimMIM's encoder for probing",
        arguments: ParityTable.cases("beyondcls", "beyond_load_simmim"))
    func simMIM(item: ParityCase) throws {
        guard let path = try checkpoint(item) else { return }
        let config = try item.config.object("model")
        let loaded = try CheckpointLoader(.init(imageSize: config.int("img_size"))).load(path)
        let model = try loaded.visionTransformer()
        #expect(model.config.heads == (try config.int("num_heads")))
        #expect(model.config.relativePositions == .shared)
        #expect(loaded.family.name == "simmim" && loaded.report.isComplete)
        let images = try item.tensor("in/imgs")
        let tokens = noGrad { model.lastBlocks(images, count: 1)[0] }
        item.compare("out/raw", tokens)
        item.compare("out/pos", tokens[0..., model.extraTokens...].mean(1))
        item.finish()
    }

    @Test(
        "SimMIM's encoder for fine-tuning: the shared table in every block, resized",
        arguments: ParityTable.cases("beyondcls", "simmim_load_vit_*"))
    func simMIMFineTuning(item: ParityCase) throws {
        guard let path = try checkpoint(item) else { return }
        let sizes = try item.config.object("model")
        var config = VisionTransformer.Config()
        config.imageSize = try sizes.int("img_size")
        config.patchSize = try sizes.int("patch_size")
        config.width = try sizes.int("embed_dim")
        config.depth = try sizes.int("depth")
        config.heads = try sizes.int("num_heads")
        let hidden = try item.tensor("out/blocks.0.mlp.fc1.weight").shape[0]
        config.mlpRatio = Double(hidden) / Double(config.width)
        (config.positions, config.relativePositions) = (.none, .perBlock)
        (config.qkvBias, config.layerScale) = (.queryAndValue, 1)
        (config.pooling, config.finalNorm) = (.mean, .pooled)
        let model = ViTClassifier(
            try VisionTransformer(config, generator: Generator(seed: 1)), classCount: 4,
            generator: Generator(seed: 1))
        let before = Dictionary(
            uniqueKeysWithValues: model.stateDict.map { ($0.name, $0.tensor.clone()) })
        let report = try CheckpointLoader().load(into: model, from: path)
        #expect(report.isComplete)
        let names = try item.names("out/").map { String($0.dropFirst(4)) }
        let own = Dictionary(uniqueKeysWithValues: model.stateDict)
        for name in names { item.compare("out/\(name)", try #require(own[name], "\(name)")) }
        // The rest is as it was.
        #expect(Set(report.computed) == Set(own.keys).subtracting(names))
        for name in report.computed {
            #expect(
                own[name]?.values(as: Float.self) == before[name]?.values(as: Float.self), "\(name)"
            )
            #expect(try item.config.array("untouched").contains { try $0.string == name })
        }
        item.finish()
    }

    @Test(
        "CLIP's names become a ViT's, its positions those of another grid",
        arguments: ParityTable.cases("mapet", "clip_to_vit_keys"))
    func clipNames(item: ParityCase) throws {
        let tensors = try item.file().names.filter { $0.hasPrefix("w/") }.map { name in
            (name: String(name.dropFirst(2)), tensor: try item.file().tensor(name))
        }
        let set = TensorSet(
            StateDictionary(keys: [], kind: .weights, tensors: tensors), prefix: "visual.")
        let family = CheckpointFamily.clip
        let config = try item.config
        let side = try config.int("img_size") / config.int("patch_size")
        for tensor in family.names.apply(set.tensors) {
            var value = try tensor.tensor()
            if tensor.name == "pos_embed" {
                value = try family.positionResize.fitting(
                    value, to: PatchGrid(rows: side, columns: side), extraTokens: 1)
            }
            item.compare("out/\(tensor.name)", value)
        }
        item.setAside("out/head.bias", because: "zeros of a classifier, which an encoder has not")
        item.finish()
    }

    @Test(
        "what of MaPeT's pre-training reaches fine-tuning",
        arguments: ParityTable.cases("mapet", "transfer_*"))
    func transfer(item: ParityCase) throws {
        // The case holds a few of the tensors; the others are a random model's.
        let config = try item.config
        let weights = try item.weights
        let copied = try config.array("copied").map { try $0.string }
        let positions = try #require(weights["pos_embed"])
        var shape = VisionTransformer.Config()
        let grid = try #require(PatchGrid(squareOf: positions.shape[1] - 1))
        (shape.width, shape.patchSize) = (positions.shape[2], 4)
        shape.imageSize = grid.rows * shape.patchSize
        (shape.depth, shape.heads) = (copied.count { $0.hasSuffix("norm1.weight") }, 2)
        (shape.positions, shape.layerScale) = (.learned, 0.1)
        let pretrained = try VisionTransformer(shape, generator: Generator(seed: 1))
        var file = Dictionary(
            uniqueKeysWithValues: CheckpointFamily.mapet.names.inverse(pretrained.stateDict))
        file.merge(weights) { $1 }
        let unused = try config.array("unused_from_checkpoint").map { try $0.string }
        for name in unused where file[name] == nil { file[name] = .zeros([1]) }
        let path = NSTemporaryDirectory() + "transfer-\(UUID().uuidString).safetensors"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try SafeTensorsWriter.write(
            file.sorted { $0.key < $1.key }.map { (name: $0.key, tensor: $0.value) }, to: path)

        if try config.string("pool") == "avg" {
            (shape.pooling, shape.finalNorm) = (.mean, .pooled)
        }
        let model = ViTClassifier(
            try VisionTransformer(shape, generator: Generator(seed: 2)), classCount: 4,
            generator: Generator(seed: 2))
        let report = try CheckpointLoader().load(into: model, from: path)
        #expect(report.family == "mapet" && report.isComplete)
        #expect(Set(report.loaded.flatMap(\.sources)) == Set(copied))
        #expect(
            Set(report.computed) == Set(try config.array("fresh").map { try $0.string }))
        #expect(Set(report.unused.flatMap(\.names)) == Set(unused))
        let own = Dictionary(uniqueKeysWithValues: model.stateDict)
        for name in try item.names("out/").map({ String($0.dropFirst(4)) }) {
            item.compare("out/\(name)", try #require(own[name], "\(name)"), tolerance: .exact)
        }
        item.finish()
    }
}
