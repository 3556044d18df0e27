import Foundation
import NN
import Testing
import Torch
import VisionModels

@testable import Checkpoints
@testable import TensorFiles

@Suite("Checkpoints in several files, and settings beside them") struct CheckpointSourceTests {
    private let folder: TemporaryFolder
    private let model: VisionTransformer

    init() throws {
        folder = try TemporaryFolder()
        var config = VisionTransformer.Config()
        (config.imageSize, config.patchSize, config.positions) = (16, 8, .learned)
        (config.width, config.depth, config.heads) = (12, 2, 3)
        model = try VisionTransformer(config, generator: Generator(seed: 3))
    }

    /// The model in two files with their index, under Hugging Face's names.
    private func writeShards(leavingOut left: String? = nil) throws {
        let tensors = CheckpointFamily.huggingFaceViT.names.inverse(model.stateDict)
        var places: [String: String] = [:]
        for shard in 0..<2 {
            let name = "model-0000\(shard + 1)-of-00002.safetensors"
            let part = tensors.enumerated().filter { $0.offset % 2 == shard }.map(\.element)
            for (tensor, _) in part { places["vit." + tensor] = name }
            try SafeTensorsWriter.write(
                part.filter { $0.name != left }.map { (name: "vit." + $0.name, tensor: $0.tensor) },
                to: folder.file(name))
        }
        let index = ["metadata": ["total_size": "1"], "weight_map": places]
        let json = try JSONEncoder().encode(index)
        try json.write(to: URL(fileURLWithPath: folder.file("model.safetensors.index.json")))
        try folder.write(
            #"{"model_type": "vit", "num_attention_heads": 3, "layer_norm_eps": 1e-12}"#,
            as: "config.json")
    }

    @Test("shards are found by folder and by index, and are one set", arguments: [true, false])
    func shards(byFolder: Bool) throws {
        try writeShards()
        let path = byFolder ? folder.path : folder.file("model.safetensors.index.json")
        let loaded = try CheckpointLoader().load(path)
        #expect(loaded.family.name == "hf-vit" && loaded.report.isComplete)
        #expect(loaded.report.place == "vit." && loaded.report.notes.isEmpty)
        let config = try loaded.visionTransformer().config
        #expect(config.heads == 3 && config.normEps == 1e-12)
        for (own, expected) in zip(loaded.model.stateDict, model.stateDict) {
            #expect(own.name == expected.name)
            #expect(own.tensor.values(as: Float.self) == expected.tensor.values(as: Float.self))
        }
        let joined = loaded.report.loaded.first { $0.name == "blocks.1.attn.qkv.weight" }
        #expect(joined?.form == "3 tensors joined" && joined?.sources.count == 3)
    }

    @Test("an index that is wrong names the file and what is missing")
    func wrongIndex() throws {
        try writeShards(leavingOut: "layernorm.bias")
        #expect {
            _ = try CheckpointSource(path: folder.path)
        } throws: { error in
            (error as? TensorFileError)?.kind == .missingKey
                && "\(error)".contains("'vit.layernorm.bias'")
                && "\(error)".contains("index.json says that it is here")
        }
        for text in [
            "{}", "[1]", #"{"weight_map": {}}"#, #"{"weight_map": {"a": "../x.safetensors"}}"#,
            #"{"weight_map": {"a": ".hidden"}}"#,
        ] {
            try folder.write(text, as: "model.safetensors.index.json")
            #expect {
                _ = try CheckpointSource(path: folder.path)
            } throws: {
                ($0 as? TensorFileError)?.kind == .malformed
            }
        }
        try folder.write(
            #"{"weight_map": {"a": "none.safetensors"}}"#, as: "model.safetensors.index.json")
        #expect {
            _ = try CheckpointSource(path: folder.path)
        } throws: {
            "\($0)".contains("none.safetensors")
        }
    }

    @Test("a folder without a checkpoint, settings that are none")
    func nothing() throws {
        #expect {
            _ = try CheckpointSource(path: folder.path)
        } throws: { error in
            "\(error)".contains("folder without a checkpoint")
                && "\(error)".contains("model.safetensors")
        }
        try writeShards()
        try folder.write("not JSON", as: "config.json")
        #expect {
            _ = try CheckpointSource(path: folder.path)
        } throws: {
            "\($0)".contains("config.json")
        }
    }

    @Test(
        "settings and indices larger than honest ones, and pipes, are refused before they are read")
    func bounded() throws {
        try writeShards()
        let index = "model.safetensors.index.json"
        for (name, size) in [("config.json", 1 << 20), (index, 1 << 26)] {
            let path = folder.file(name)
            let before = try Data(contentsOf: URL(fileURLWithPath: path))
            // A file with a hole takes no space.
            truncate(path, size + 1)
            #expect {
                _ = try CheckpointSource(path: folder.path)
            } throws: { error in
                (error as? TensorFileError)?.kind == .limit && "\(error)".contains(name)
                    && "\(error)".contains("\(size)")
            }
            try FileManager.default.removeItem(atPath: path)
            #expect(mkfifo(path, 0o600) == 0)
            #expect {
                _ = try CheckpointSource(path: folder.path)
            } throws: {
                "\($0)".contains("not a regular file")
            }
            try FileManager.default.removeItem(atPath: path)
            try before.write(to: URL(fileURLWithPath: path))
        }
        _ = try CheckpointSource(path: folder.path)
    }

    @Test("a size of pictures that no model has is an error that names config.json")
    func hugePictures() throws {
        var config = SwinTransformer.Config()
        (config.imageSize, config.patchSize, config.width) = (32, 4, 8)
        (config.depths, config.heads, config.window) = ([2, 1], [1, 2], 4)
        let swin = try SwinTransformer(config, generator: Generator(seed: 1))
        try SafeTensorsWriter.write(swin.stateDict, to: folder.file("model.safetensors"))
        try folder.write(#"{"image_size": 100000000}"#, as: "config.json")
        #expect {
            _ = try CheckpointLoader().load(folder.path)
        } throws: {
            "\($0)".contains("image_size") && "\($0)".contains("config.json")
        }
    }

    @Test("tensors that claim far more than is stored are refused before a model is made")
    func claims() throws {
        // One stored kilobyte under the names of a wide model: the shapes alone would take 4 GB.
        let bytes = ByteSlice(copying: [UInt8](repeating: 0, count: 4096))
        func tensor(_ shape: [Int]) throws -> TensorRecord {
            try TensorRecord(
                .float32, shape: shape, strides: shape.map { _ in 0 }, storage: bytes)
        }
        var tensors = [("patch_embed.proj.weight", try tensor([4096, 3, 16, 16]))]
        for block in 0..<16 {
            tensors.append(("blocks.\(block).mlp.fc1.weight", try tensor([16384, 4096])))
        }
        func set(_ tensors: [(String, TensorRecord)]) -> TensorSet {
            TensorSet(
                StateDictionary(keys: ["model"], kind: .weights, tensors: tensors), prefix: "")
        }
        let error = try #require(throws: TensorFileError.self) {
            try set(tensors).requireHonestClaims(in: "case.pth")
        }
        #expect(error.kind == .limit && "\(error)".hasPrefix("case.pth"))
        #expect("\(error)".contains("only 4096 are stored"), "\(error)")
        // Tied weights and small expanded buffers are what honest files have.
        try set([
            ("a", try tensor([1024])), ("b", try tensor([1024])), ("c", try tensor([512, 512])),
        ])
        .requireHonestClaims(in: "case.pth")
    }

    @Test("tables for huge windows and grids are refused before their pairs are counted")
    func hugeTables() throws {
        func refusal(_ shapes: [String: [Int]], _ word: String) throws {
            try SafeTensorsWriter.write(
                shapes.sorted { $0.key < $1.key }.map { ($0.key, .zeros($0.value)) },
                to: folder.file("table.safetensors"))
            #expect {
                _ = try CheckpointLoader().load(folder.file("table.safetensors"))
            } throws: {
                "\($0)".contains(word) && "\($0)".contains("table.safetensors")
            }
        }
        let side = 2 * 400 - 1
        try refusal(
            [
                "patch_embed.proj.weight": [4, 3, 4, 4], "layers.0.blocks.0.norm1.weight": [4],
                "layers.0.blocks.0.attn.qkv.weight": [12, 4],
                "layers.0.blocks.0.mlp.fc1.weight": [16, 4],
                "layers.0.blocks.0.attn.relative_position_bias_table": [side * side, 1],
            ], "at most 32")
        try refusal(
            [
                "patch_embed.proj.weight": [4, 3, 4, 4], "blocks.0.norm1.weight": [4],
                "blocks.0.attn.q_bias": [4], "blocks.0.attn.qkv.weight": [12, 4],
                "blocks.0.mlp.fc1.weight": [16, 4], "blocks.0.mlp.fc2.weight": [4, 16],
                "blocks.0.attn.relative_position_bias_table": [side * side, 1],
            ], "at most 16384 patches")
    }

    @Test("fields of another type are no settings; CLIP's visual tower has its own")
    func settings() throws {
        let json = #"""
            {"model_type": "clip", "num_attention_heads": "many",
             "vision_config": {"num_attention_heads": 5, "hidden_act": "gelu", "image_size": [3]}}
            """#
        let settings = try JSONDecoder().decode(ModelSettings.self, from: Data(json.utf8))
        #expect(settings.modelType == "clip" && settings.heads == 5)
        #expect(settings.activation == "gelu" && settings.imageSize == nil)
    }
}
