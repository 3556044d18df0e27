import Foundation
import TensorFiles
import Testing

/// With `--json` every line of standard output is an object, and nothing else is there.
@Suite("JSON output") struct JSONTests {
    private let folder: TemporaryFolder
    private let pictures: TemporaryFolder
    private let data: String

    init() throws {
        folder = try TemporaryFolder()
        pictures = try TemporaryFolder()
        data = try TinyPictures.write(to: pictures)
    }

    /// The objects that a command prints.
    private func objects(
        _ arguments: [String], environment: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [[String: Any]] {
        let result = try Program.run(arguments + ["--json"], environment: environment)
        try #require(result.status == 0, "\(result.errors)", sourceLocation: sourceLocation)
        #expect(result.errors.isEmpty, "\(result.errors)", sourceLocation: sourceLocation)
        #expect(result.output.isEmpty || result.output.hasSuffix("\n"))
        return try result.output.split(separator: "\n", omittingEmptySubsequences: false)
            .dropLast().map { line in
                try #require(
                    JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                    "\(line)", sourceLocation: sourceLocation)
            }
    }

    @Test("every command has the flag")
    func flag() throws {
        let commands = try Program.commands()
        #expect(commands.count > 25)
        for command in commands { #expect(command.options.contains("json"), "\(command.words)") }
    }

    @Test("pretrain, resume, evaluate, report, inspect, convert")
    func run() throws {
        let run = folder.path("run")
        let metrics = try objects(
            ["pretrain", "mae", "--data", data, "--out", run] + TinyPictures.settings
                + ["schedule.epochs=2"])
        #expect(metrics.compactMap { $0["step"] as? Int } == [3, 6, 9, 12])
        #expect(metrics.allSatisfy { $0["loss"] is Double && $0["lr"] is Double })

        #expect(try objects(["resume", run]).isEmpty)
        let checkpoint = run + "/checkpoints/step-00000012.safetensors"
        try FileManager.default.removeItem(atPath: checkpoint)
        // The checkpoint of step 9 is the newest now.
        #expect(try objects(["resume", run]).compactMap { $0["step"] as? Int } == [12])

        for (name, settings) in [
            ("knn", ["protocol.neighbors=[5, 7]"]),
            ("linear", ["protocol.epochs=5", "protocol.warmupEpochs=1"]),
            ("logistic", []),
        ] {
            let scores = try objects(
                ["evaluate", name, "--weights", run, "--data", data] + settings)
            #expect(scores.count >= 2)
            for score in scores {
                #expect(score["protocol"] as? String == name && score["value"] is Double)
                #expect(score["metric"] is String && score["settings"] is [String: Any])
            }
        }
        let report = try objects(["report", run])
        #expect(report.count == 1 && report[0]["report"] as? String == run + "/report.html")

        let tensors = try objects(["checkpoint", "inspect", checkpoint])
        let file = try SafeTensorsFile(path: checkpoint)
        #expect(tensors.compactMap { $0["name"] as? String } == file.names)
        let weight = try #require(
            tensors.first { $0["name"] as? String == "model.patch_embed.proj.weight" })
        #expect(weight["shape"] as? [Int] == [16, 1, 2, 2])
        #expect(weight["dtype"] as? String == "float32")

        let output = folder.path("out.safetensors")
        let written = try objects(["checkpoint", "convert", checkpoint, output])
        #expect(written.count == 1 && written[0]["file"] as? String == output)
        #expect(written[0]["tensors"] as? Int == tensors.count)
        let bytes = try file.names.reduce(0) { try $0 + file.tensor($1).byteCount }
        #expect(written[0]["bytes"] as? Int == bytes)
        #expect(try SafeTensorsFile(path: output).names.count == tensors.count)
    }

    @Test("config show: key, value, source and help of every setting, without libtorch")
    func configShow() throws {
        let settings = try objects(
            ["config", "show", "mae", "data.batchSize=64"],
            environment: ["LIBTORCH": "/nonexistent"])
        #expect(settings.count > 40)
        for setting in settings {
            #expect(Set(setting.keys) == ["key", "value", "source", "help"])
        }
        func setting(_ key: String) throws -> [String: Any] {
            try #require(settings.first { $0["key"] as? String == key })
        }
        let batch = try setting("data.batchSize")
        #expect(batch["value"] as? Int == 64 && batch["source"] as? String == "command line")
        #expect((batch["help"] as? String)?.isEmpty == false)
        #expect(try setting("optim.betas")["value"] as? [Double] == [0.9, 0.95])
        #expect(try setting("optim.lr")["value"] is NSNull)
        #expect(try setting("run.method")["value"] as? String == "mae")
        let share = try #require(try setting("data.mostBad")["help"] as? String)
        #expect(share.contains("share of the pictures, from 0 to 1"), "\(share)")
    }

    @Test("doctor: one object, also when something is missing")
    func doctor() throws {
        let result = try Program.run(
            ["doctor", "--json"], environment: ["LIBTORCH": "/nonexistent"])
        #expect(result.status == 64)
        let facts = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
        let libtorch = (facts as? [String: Any])?["libtorch"] as? String
        #expect(libtorch?.contains("make setup") == true)
        #expect(result.output.split(separator: "\n").count == 1)
    }

    /// Fashion-MNIST's place is taken by pictures that need no minutes.
    @Test("quickstart: metrics, then scores beside those of raw pixels, then the report")
    func quickstart() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let libtorch = root.appendingPathComponent(".torch").resolvingSymlinksInPath().path
        let datasets = folder.url.appendingPathComponent("cache/datasets")
        try FileManager.default.createDirectory(at: datasets, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: data, toPath: datasets.appendingPathComponent("fashion-mnist").path)
        let run = folder.path("run")
        let arguments =
            ["quickstart", "--out", run, "data.augment=null"] + TinyPictures.settings
            + ["schedule.epochs=2"]
        let environment = ["TESSERA_CACHE": folder.path("cache"), "LIBTORCH": libtorch]
        let lines = try objects(arguments, environment: environment)
        #expect(lines.prefix(4).compactMap { $0["step"] as? Int } == [3, 6, 9, 12])
        #expect(lines.last?.keys.sorted() == ["report"])
        #expect(lines.last?["report"] as? String == run + "/report.html")
        let scores = lines.dropFirst(4).dropLast()
        #expect(Set(scores.compactMap { $0["protocol"] as? String }) == ["knn", "linear"])
        for score in scores {
            #expect((score["settings"] as? [String: Any])?["rawPixels"] is Double)
        }
        // The run is finished: it is scored again.
        let again = try objects(["quickstart", "--out", run], environment: environment)
        #expect(again.count == lines.count - 4)
    }

    @Test(
        "errors stay on standard error, with their status",
        arguments: [
            (["pretrain", "mae", "--data", "/nonexistent", "--out", "/nonexistent"], 65),
            (["resume", "/nonexistent"], 64),
            (["evaluate", "knn", "--weights", "/nonexistent", "--data", "x"], 64),
            (["checkpoint", "inspect", "/nonexistent"], 65),
            (["checkpoint", "convert", "/nonexistent", "/nonexistent"], 65),
            (["report", "/nonexistent"], 64), (["config", "show", "mea"], 64),
            (["quickstart", "model.widht=3"], 64),
        ] as [([String], Int32)])
    func errors(arguments: [String], status: Int32) throws {
        let result = try Program.run(arguments + ["--json"])
        #expect(result.status == status, "\(result.errors)")
        #expect(result.output.isEmpty, "\(result.output)")
        #expect(result.errors.hasPrefix("tessera: "), "\(result.errors)")
    }
}
