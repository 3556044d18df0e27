import FaultCorpus
import Foundation
import TensorFiles
import Testing

@Suite("tessera evaluate validate", .serialized) struct ValidateCommandTests {
    private let folder: TemporaryFolder
    private let pictures: String
    private let classes = ["a", "b", "c"]

    /// Three classes of four pictures, and a classifier of random weights.
    init() throws {
        folder = try TemporaryFolder()
        _ = try FaultCorpus(folder.path("corpus"), good: 12)
        let good = try FileManager.default.subpathsOfDirectory(atPath: folder.path("corpus/good"))
            .filter { $0.hasSuffix(".jpg") || $0.hasSuffix(".png") }.sorted()
        try #require(good.count >= 12)
        pictures = folder.path("data")
        for (number, name) in good.prefix(12).enumerated() {
            let path = "\(pictures)/val/\(classes[number / 4])"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: folder.path("corpus/good/\(name)"),
                toPath:
                    "\(path)/ILSVRC2012_val_\(String(format: "%08d", number + 1)).\(name.suffix(3))"
            )
        }
    }

    /// A ViT of two heads whose class is `favourite` for every picture.
    @discardableResult
    private func classifier(
        _ name: String, favourite: Int, classCount: Int = 6, average: Int? = nil,
        pools: Bool = false
    ) throws -> String {
        let (width, patch) = (8, 8)
        var tensors: [(String, [Int])] = [
            ("cls_token", [1, 1, width]), ("pos_embed", [1, 17, width]),
            ("patch_embed.proj.weight", [width, 3, patch, patch]),
            ("patch_embed.proj.bias", [width]),
            ("norm.weight", [width]), ("norm.bias", [width]), ("head.weight", [classCount, width]),
            ("head.bias", [classCount]),
        ]
        tensors += [
            ("norm1.weight", [width]), ("norm1.bias", [width]), ("attn.qkv.weight", [24, width]),
            ("attn.qkv.bias", [24]), ("attn.proj.weight", [width, width]),
            ("attn.proj.bias", [width]), ("norm2.weight", [width]), ("norm2.bias", [width]),
            ("mlp.fc1.weight", [16, width]), ("mlp.fc1.bias", [16]),
            ("mlp.fc2.weight", [width, 16]), ("mlp.fc2.bias", [width]),
        ].map { ("blocks.0." + $0.0, $0.1) }
        if pools {
            tensors = tensors.map { name, shape in
                (name.hasPrefix("norm.") ? "fc_\(name)" : name, shape)
            }
        }
        // A file of training: the weights, and their average, which prefers another class.
        if average != nil {
            tensors = ["state_dict.", "state_dict_ema."].flatMap { part in
                tensors.map { (part + $0.0, $0.1) }
            }
        }
        let entries = tensors.map {
            SafeTensorsWriter.Entry(name: $0.0, elementType: .float32, shape: $0.1)
        }
        let path = folder.path(name)
        let writer = try SafeTensorsWriter(path: path, entries: entries)
        for entry in writer.entries {
            var values = (0..<entry.shape.reduce(1, *)).map { Float(($0 * 37) % 101) / 1000 - 0.05 }
            if entry.name.contains("norm"), entry.name.hasSuffix("weight") {
                values = [Float](repeating: 1, count: width)
            }
            // The order of the classes is that of their distance from the favourite.
            if entry.name.hasSuffix("head.bias") {
                let best = entry.name.hasPrefix("state_dict_ema") ? average ?? 0 : favourite
                values = (0..<classCount).map { -5 * Float(abs($0 - best)) }
            }
            try values.withUnsafeBytes { try writer.append($0) }
        }
        try writer.finish()
        return path
    }

    private func validate(_ arguments: [String], json: Bool = true) throws -> Program.Result {
        try Program.run(
            ["evaluate", "validate", "--data", pictures, "--device", "cpu"] + arguments
                + (json ? ["--json"] : []) + ["batchSize=5", "heads=2"])
    }

    private func objects(_ result: Program.Result) throws -> [[String: Any]] {
        try result.output.split(separator: "\n").map {
            try #require(
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\($0)")
        }
    }

    @Test("top-1, top-5, loss and what they depend on") func single() throws {
        let result = try validate(["--weights", classifier("one.safetensors", favourite: 1)])
        try #require(result.status == 0, "\(result.errors)")
        let object = try #require(try objects(result).first)
        // One class of three is always right; of six classes five hold them all.
        #expect(object["top1"] as? Double == 33.3333 && object["top1_err"] as? Double == 66.6667)
        #expect(object["top5"] as? Double == 100)
        #expect(object["pictures"] as? Int == 12 && object["img_size"] as? Int == 32)
        #expect(object["crop_pct"] as? Double == 0.9)
        #expect(object["interpolation"] as? String == "bicubic")
        let loss = try #require(object["loss"] as? Double)
        #expect(loss > 3 && loss < 4)
    }

    @Test("a picture that cannot be read has no substitute") func unreadable() throws {
        let path = try classifier("one.safetensors", favourite: 1)
        let first = try #require(
            try FileManager.default.contentsOfDirectory(atPath: "\(pictures)/val/b").min())
        try Data("no picture".utf8).write(
            to: URL(fileURLWithPath: "\(pictures)/val/b/\(first)"))
        let result = try validate(["--weights", path])
        try #require(result.status == 0, "\(result.errors)")
        let object = try #require(try objects(result).first)
        // Three of eleven: the one of class b is not made up for.
        #expect(object["pictures"] as? Int == 11 && object["bad_files"] as? Int == 1)
        #expect(object["top1"] as? Double == 27.2727)
    }

    @Test("a subset of the classes, and several right classes for a picture") func labels() throws {
        let path = try classifier("one.safetensors", favourite: 4)
        let valid = folder.path("valid.txt")
        try Data("3\n4\n5\n".utf8).write(to: URL(fileURLWithPath: valid))
        let subset = try validate(["--weights", path, "--valid-labels", valid])
        try #require(subset.status == 0, "\(subset.errors)")
        #expect(try objects(subset)[0]["top1"] as? Double == 33.3333)
        // Without it class 4 is none of the three.
        let plain = try validate(["--weights", path])
        #expect(try objects(plain)[0]["top1"] as? Double == 0)

        let real = folder.path("real.json")
        let lists = "[[4],[0,4],[],[1],[4],[],[],[],[],[],[],[0]]"
        try Data(lists.utf8).write(to: URL(fileURLWithPath: real))
        let result = try validate(["--weights", path, "--real-labels", real])
        try #require(result.status == 0, "\(result.errors)")
        let object = try objects(result)[0]
        #expect(object["pictures"] as? Int == 5 && object["top1"] as? Double == 60)
        // The last of six classes is 0.
        #expect(object["top5"] as? Double == 80 && object["loss"] == nil)
    }

    @Test("several models, the best first; one that fails does not end the others")
    func several() throws {
        try FileManager.default.createDirectory(
            atPath: folder.path("models"), withIntermediateDirectories: true)
        try classifier("models/epoch-10.safetensors", favourite: 0)
        try classifier("models/epoch-9.safetensors", favourite: 5)
        try Data("no checkpoint".utf8).write(
            to: URL(fileURLWithPath: folder.path("models/epoch-2.pth")))
        let csv = folder.path("all.csv")
        let result = try validate(
            ["--weights", folder.path("models"), "--results-file", csv, "--retry"])
        #expect(result.status == 65)
        let found = try objects(result)
        let names = found.compactMap { ($0["model"] as? String)?.split(separator: "/").last }
        #expect(names == ["epoch-10.safetensors", "epoch-9.safetensors", "epoch-2.pth"])
        #expect((found[2]["error"] as? String)?.contains("is no checkpoint") == true)
        let lines = try String(contentsOfFile: csv, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 4 && lines[0].hasPrefix("model,top1,top1_err,top5,top5_err,loss"))
        #expect(lines[1].contains("epoch-10.safetensors,33.3333,66.6667"))
        let table = try validate(["--weights", folder.path("models")], json: false)
        #expect(table.output.contains(" 33.33 %  100.00 %  "), "\(table.output)")
    }

    @Test("how pictures are resized changes what the model sees") func preparation() throws {
        let path = try classifier("one.safetensors", favourite: 1)
        var losses: Set<Double> = []
        for setting in [
            "cropPercent=0.9", "cropPercent=0.5", "interpolation=bilinear",
            "cropMode=squash", "imageSize=64",
        ] {
            let result = try validate(["--weights", path, setting])
            try #require(result.status == 0, "\(result.errors)")
            losses.insert(try #require(try objects(result)[0]["loss"] as? Double))
        }
        #expect(losses.count >= 2)
    }

    @Test("the average of the weights, or one of the parts, where a file holds both")
    func average() throws {
        let path = try classifier("both.safetensors", favourite: 4, average: 1)
        for (options, top1) in [
            ([], 0), (["--use-ema"], 33.3333), (["--part", "state_dict_ema"], 33.3333),
            (["--use-ema", "--part", "state_dict_ema", "--retry"], 33.3333),
        ] {
            let result = try validate(["--weights", path] + options)
            try #require(result.status == 0, "\(result.errors)")
            #expect(try objects(result)[0]["top1"] as? Double == top1, "\(options)")
        }
    }

    @Test("a folder of Hugging Face's is one model, with its statistics of the pixels")
    func folderOfHuggingFace() throws {
        let package = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent()
        let name = "hf_SwinForImageClassification"
        let file = try SafeTensorsFile(
            path: package.appendingPathComponent("CheckpointsTests/Fixtures/\(name).safetensors")
                .path)
        let target = folder.path(name)
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        // In shards, as large models are.
        let tensors = file.names.filter { $0.hasPrefix("w/") }
        var places: [String: String] = [:]
        for shard in 0..<2 {
            let part = tensors.enumerated().filter { $0.offset % 2 == shard }.map(\.element)
            let shardName = "model-\(shard).safetensors"
            for tensor in part { places[String(tensor.dropFirst(2))] = shardName }
            try SafeTensorsWriter.write(
                try part.map { (String($0.dropFirst(2)), try file.tensor($0)) },
                to: "\(target)/\(shardName)")
        }
        func write(_ value: some Encodable, _ name: String) throws {
            try JSONEncoder().encode(value).write(to: URL(fileURLWithPath: "\(target)/\(name)"))
        }
        try write(["weight_map": places], "model.safetensors.index.json")
        try Data(#require(file.metadata["config.json"]).utf8)
            .write(to: URL(fileURLWithPath: "\(target)/config.json"))
        func loss() throws -> Double {
            let result = try Program.run([
                "evaluate", "validate", "--data", pictures, "--device", "cpu", "--weights", target,
                "--json",
            ])
            try #require(result.status == 0, "\(result.errors)")
            let object = try #require(try objects(result).first)
            #expect(object["img_size"] as? Int == 28 && object["model"] as? String == target)
            return try #require(object["loss"] as? Double)
        }
        let before = try loss()
        try write(
            ["image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.6, 0.7]],
            "preprocessor_config.json")
        #expect(try loss() != before)
    }

    @Test("test-time pooling: the same at the size of training, something else beyond it")
    func testTimePooling() throws {
        let path = try classifier("mean.safetensors", favourite: 1, pools: true)
        func loss(_ settings: [String]) throws -> Double {
            let result = try validate(["--weights", path] + settings)
            try #require(result.status == 0, "\(result.errors)")
            return try #require(try objects(result)[0]["loss"] as? Double)
        }
        #expect(try abs(loss(["testPool=true"]) - loss([])) < 1e-3)
        #expect(try loss(["testPool=true", "imageSize=64"]) != loss(["imageSize=64"]))
        let small = try validate(["--weights", path, "testPool=true", "imageSize=16"])
        #expect(small.status == 64 && small.errors.contains("at least 32"), "\(small.errors)")
        let token = try classifier("token.safetensors", favourite: 1)
        let refused = try validate(["--weights", token, "testPool=true"])
        #expect(refused.status == 64 && refused.errors.contains("class token"), "\(refused.errors)")
    }

    @Test("an encoder without a head is refused with advice") func noHead() throws {
        let file = try SafeTensorsFile(path: classifier("one.safetensors", favourite: 1))
        let path = folder.path("encoder.safetensors")
        try SafeTensorsWriter.write(
            try file.names.filter { !$0.hasPrefix("head") }.map { ($0, try file.tensor($0)) },
            to: path)
        let result = try validate(["--weights", path])
        #expect(result.status == 65, "\(result.errors)")
        #expect(result.errors.contains("\(path) holds an encoder"), "\(result.errors)")
        #expect(result.errors.contains("without a classifier"), "\(result.errors)")
        #expect(result.errors.contains("knn or linear"), "\(result.errors)")
    }

    @Test("what does not fit is said") func usage() throws {
        let few = try validate([
            "--weights", classifier("few.safetensors", favourite: 0, classCount: 2),
        ])
        #expect(few.status == 64 && few.errors.contains("3 classes, the model 2"), "\(few.errors)")
        let none = try validate(["--weights", folder.path("nothing")])
        #expect(none.status == 64 && none.errors.contains("does not exist"))
        let percent = try validate(["--weights", folder.path("few.safetensors"), "cropPercent=2"])
        #expect(percent.status == 64 && percent.errors.contains("cropPercent"))
    }
}
