import Foundation
import TensorFiles
import TestSupport
import Testing

/// `--weights` with checkpoints of other libraries: those recorded for the tests of Checkpoints.
@Suite("Weights of other libraries on the command line") struct FamilyCommandTests {
    private let folder: TemporaryFolder
    private let data: String

    init() throws {
        folder = try TemporaryFolder()
        let pictures = try TemporaryFolder()
        data = folder.path("data")
        try FileManager.default.moveItem(atPath: TinyPictures.write(to: pictures), toPath: data)
    }

    /// A folder as Hugging Face writes it, without the tensors whose names end so.
    private func write(_ name: String, leavingOut end: String? = nil) throws -> String {
        let package = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = try SafeTensorsFile(
            path: package.appendingPathComponent("CheckpointsTests/Fixtures/\(name).safetensors")
                .path)
        let target = folder.path(name)
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        let tensors = try file.names.filter { $0.hasPrefix("w/") }.map { name in
            (name: String(name.dropFirst(2)), tensor: try file.tensor(name))
        }
        try SafeTensorsWriter.write(
            tensors.filter { item in end.map { !item.name.hasSuffix($0) } ?? true },
            to: target + "/model.safetensors")
        let config = try #require(file.metadata["config.json"])
        try Data(config.utf8).write(to: URL(fileURLWithPath: target + "/config.json"))
        return target
    }

    private func evaluate(_ weights: String, _ options: [String] = []) throws -> Program.Result {
        try Program.run(
            ["evaluate", "knn", "--weights", weights, "--data", data, "protocol.neighbors=[3]"]
                + options)
    }

    @Test("a folder of Hugging Face's is evaluated, and what was loaded is said")
    func folderOfHuggingFace() throws {
        let weights = try write("hf_Dinov2WithRegistersModel")
        let result = try evaluate(weights)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("hf-dinov2, 100 % of the encoder's"), "\(result.errors)")
        let inspected = try Program.run(
            ["checkpoint", "inspect", weights + "/model.safetensors"])
        #expect(
            inspected.output.contains("family hf-dinov2: Hugging Face Dinov2"),
            "\(inspected.output)")
        #expect(inspected.output.contains("beside it: what replaces masked patches (1 tensor)"))
    }

    @Test("a Swin is evaluated, embedded and inspected like any encoder")
    func swin() throws {
        let weights = try write("timm_swin_tiny_patch4_window7_224")
        let result = try evaluate(weights, ["features.tokens=mean"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("timm-swin, 100 % of the encoder's"), "\(result.errors)")
        let out = folder.path("features.safetensors")
        let embedded = try Program.run(
            ["embed", "--weights", weights, "--data", data, "--out", out, "features.tokens=mean"])
        #expect(embedded.status == 0, "\(embedded.errors)")
        let features = try SafeTensorsFile(path: out)
        #expect(try features.names.contains { try features.tensor($0).shape.last == 16 })
        let inspected = try Program.run(
            ["checkpoint", "inspect", weights + "/model.safetensors"])
        #expect(
            inspected.output.contains("family timm-swin: Swin with timm's names"),
            "\(inspected.output)")
    }

    @Test(
        "featurenorm's encoder is inspected, evaluated and embedded like any",
        arguments: ParityCase.all(in: "featurenorm", matching: "encoder_noqknorm_disabled"))
    func featureNorm(item: ParityCase) throws {
        let names = try item.names("w/")
        let run = folder.path("run")
        try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
        let weights = run + "/00001.safetensors"
        try SafeTensorsWriter.write(
            try names.map { ("ema_encoder." + $0.dropFirst(2), try item.file().tensor($0)) },
            to: weights)
        let heads = try item.config.object("block_config").object("attention_config")
            .int("num_attention_heads")
        let settings = """
            conf:
              validation_image_size: 32
              model:
                encoder:
                  input_size: \(try item.config.int("input_size"))
                  use_rope2d: \(try item.config.bool("use_rope2d"))
                  block_config: {attention_config: {num_attention_heads: \(heads)}}
            """
        try Data(settings.utf8).write(to: URL(fileURLWithPath: run + "/config.yaml"))
        let inspected = try Program.run(["checkpoint", "inspect", weights])
        #expect(
            inspected.output.contains(
                "family featurenorm: featurenorm's I-JEPA (Colton 2025), \(names.count) tensors"),
            "\(inspected.output)")
        let out = folder.path("features.safetensors")
        let embedded = try Program.run(
            ["embed", "--weights", weights, "--data", data, "--out", out, "features.tokens=mean"])
        #expect(embedded.status == 0, "\(embedded.errors)")
        #expect(
            embedded.errors.contains("featurenorm, 100 % of the encoder's"), "\(embedded.errors)")
        let features = try SafeTensorsFile(path: out)
        let width = try item.file().tensor("w/proj_in.weight").shape[0]
        #expect(try features.names.contains { try features.tensor($0).shape.last == width })
        let scored = try evaluate(weights, ["features.tokens=mean"])
        #expect(scored.status == 0, "\(scored.errors)")
        let folderOfRun = try evaluate(run)
        #expect(
            folderOfRun.status == 64 && folderOfRun.errors.contains("name one of its checkpoints"),
            "\(folderOfRun.errors)")
    }

    @Test("a trunk of VISSL becomes a checkpoint of I-JEPA, which is said to be the encoder alone")
    func trunk() throws {
        func export(_ weights: String, _ options: [String]) throws -> Program.Result {
            let result = try Program.run(
                ["checkpoint", "export", "--weights", weights] + options)
            try #require(result.status == 0, "\(result.errors)")
            return result
        }
        let (trunk, file) = (folder.path("jepa_vissl"), folder.path("jepa.pth.tar"))
        let first = try export(try write("hf_IJepaModel"), ["--to", "vissl", trunk])
        #expect(first.output.contains("read back") && !first.output.contains("alone"))
        let second = try export(trunk, ["--heads", "2", "--to", "ijepa", file])
        for word in ["ijepa; read back", "holds the encoder alone, not a run's state", "2 heads"] {
            #expect(second.output.contains(word), "\(second.output)")
        }
        let diff = try Program.run(
            [
                "checkpoint", "diff", trunk, file, "--prefix-a",
                "classy_state_dict.base_model.model.trunk.", "--prefix-b",
                "target_encoder.module.",
            ])
        #expect(diff.status == 0, "\(diff.output)\(diff.errors)")
        let scored = try evaluate(file, ["features.tokens=mean", "--heads", "2"])
        #expect(scored.status == 0 && scored.errors.contains("ijepa, 100 %"), "\(scored.errors)")
        #expect(!scored.errors.contains("assumed"), "\(scored.errors)")
        let guessed = try evaluate(file, ["features.tokens=mean"])
        #expect(guessed.errors.contains("attention heads are assumed"), "\(guessed.errors)")
        // Without a class token the mean is what is meant, unless a class token is asked for.
        #expect(try evaluate(file, ["--heads", "2"]).output == scored.output)
        let asked = try evaluate(file, ["features.tokens=cls", "--heads", "2"])
        #expect(asked.status == 64 && asked.errors.contains("no class token"), "\(asked.errors)")
        for out in [["named.npy", "features.tokens=mean"], ["unnamed.npy"]] {
            let embedded = try Program.run(
                [
                    "embed", "--weights", file, "--heads", "2", "--data", data, "--out",
                    folder.path(out[0]),
                ] + out.dropFirst())
            try #require(embedded.status == 0, "\(embedded.errors)")
        }
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: folder.path("named.npy")))
                == Data(contentsOf: URL(fileURLWithPath: folder.path("unnamed.npy"))))
        let json = try export(
            trunk, ["--heads", "2", "--to", "stop", folder.path("stop.pth"), "--json"])
        #expect(json.output.contains("\"holds\":\"encoder\""), "\(json.output)")
        // Others have class tokens.
        let refused = try Program.run(
            [
                "checkpoint", "export", "--weights", try write("hf_ViTModel"), "--to", "ijepa",
                folder.path("no"),
            ])
        #expect(refused.status == 65 && refused.errors.contains("a class token"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("no")))
    }

    @Test("a file that is not what its checksums were made of is refused by name")
    func damaged() throws {
        let file = folder.path("jepa.pth.tar")
        let written = try Program.run(
            [
                "checkpoint", "export", "--weights", try write("hf_IJepaModel"), "--to", "ijepa",
                file,
            ])
        try #require(written.status == 0, "\(written.errors)")
        let weight = try PyTorchFile(path: file).tensors(under: ["target_encoder"])[0].tensor
        let bytes = weight.withContiguousBytes { Data($0) }
        let url = URL(fileURLWithPath: file)
        var contents = try Data(contentsOf: url)
        let place = try #require(contents.range(of: bytes)).lowerBound
        contents[place + 2] ^= 1
        try contents.write(to: url)
        let result = try evaluate(file, ["--heads", "2"])
        #expect(result.status == 65 && result.errors.contains("checksum"), "\(result.errors)")
        #expect(result.errors.contains(file))
    }

    @Test("half an encoder is an error that shows what is missing, unless --allow-partial")
    func partial() throws {
        let weights = try write("hf_ViTModel", leavingOut: "layer.1.output.dense.bias")
        let result = try evaluate(weights)
        #expect(result.status == 65, "\(result.errors)")
        for word in ["missing: blocks.1.mlp.fc2.bias [16]", "--allow-partial", weights] {
            #expect(result.errors.contains(word), "\(result.errors)")
        }
        let allowed = try evaluate(weights, ["--allow-partial"])
        #expect(allowed.status == 0, "\(allowed.errors)")
        #expect(allowed.errors.contains("missing: blocks.1.mlp.fc2.bias [16]"))
    }

    @Test("embed takes half an encoder or another part only when told, and says what was loaded")
    func embed() throws {
        func embed(_ weights: String, _ options: [String]) throws -> Program.Result {
            let out = folder.path("features.npy")
            return try Program.run(
                ["embed", "--weights", weights, "--data", data, "--out", out, "--force"] + options)
        }
        let whole = try write("hf_ViTModel")
        let plain = try embed(whole, [])
        #expect(plain.status == 0 && plain.errors.contains("hf-vit, 100 %"), "\(plain.errors)")
        let part = try embed(whole, ["--part", "teacher"])
        #expect(part.status == 65 && part.errors.contains("has no encoder in 'teacher'"))
        let half = try write("hf_ViTModel", leavingOut: "layer.1.output.dense.bias")
        #expect(try embed(half, []).status == 65)
        let partial = try embed(half, ["--allow-partial"])
        #expect(partial.status == 0, "\(partial.errors)")
        #expect(partial.errors.contains("missing: blocks.1.mlp.fc2.bias"), "\(partial.errors)")
    }

    @Test("a part that is not there is an error that lists those that are")
    func part() throws {
        let result = try evaluate(try write("hf_ViTModel"), ["--part", "teacher"])
        #expect(result.status == 65 && result.errors.contains("has no encoder in 'teacher'"))
        let heads = try evaluate(try write("hf_IJepaModel"), ["--heads", "0"])
        #expect(heads.status == 64 && heads.errors.contains("--heads is 0"))
    }
}
