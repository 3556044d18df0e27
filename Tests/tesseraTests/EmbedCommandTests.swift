import FaultCorpus
import Foundation
import TensorFiles
import Testing

@Suite("tessera embed", .serialized) struct EmbedCommandTests {
    private let folder: TemporaryFolder
    private let tiny: TemporaryFolder
    private let run: String
    private let data: String

    init() throws {
        folder = try TemporaryFolder()
        tiny = try TemporaryFolder()
        run = folder.path("run")
        data = try TinyPictures.write(to: tiny, count: 400)
        let trained = try Program.run(
            ["pretrain", "mae", "--data", data, "--out", run] + TinyPictures.settings
                + ["schedule.epochs=0.1", "schedule.warmupEpochs=0"])
        try #require(trained.status == 0, "\(trained.errors)")
    }

    private func arguments(_ out: String, _ settings: [String] = []) -> [String] {
        ["embed", "--weights", run, "--data", data, "--split", "train", "--device", "cpu", "--out"]
            + [folder.path(out), "batchSize=16"] + settings
    }

    private func embed(_ out: String, _ settings: [String] = []) throws -> Program.Result {
        try Program.run(arguments(out, settings))
    }

    /// Runs until so many bytes of rows are written, then sends a signal.
    private func stop(
        _ out: String, _ settings: [String], at bytes: Int, signal: Int32 = SIGKILL
    ) throws -> (status: Int32, wasStopped: Bool, errors: String) {
        let process = Process()
        process.executableURL = Program.url
        process.arguments = arguments(out, settings)
        let errors = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        let rows = folder.path("\(out).unfinished/rows")
        var wasStopped = false
        while process.isRunning {
            let size = try? FileManager.default.attributesOfItem(atPath: rows)[.size] as? Int
            if let size, size >= bytes {
                wasStopped = kill(process.processIdentifier, signal) == 0
                break
            }
            usleep(500)
        }
        let text = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, wasStopped, text)
    }

    /// Bytes of all rows of 16 floats.
    private let allBytes = 400 * 64

    private func contents(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: folder.path(name)))
    }

    private func lines(_ name: String) throws -> [[String: Any]] {
        try contents(name).split(separator: UInt8(ascii: "\n")).map {
            try #require(try JSONSerialization.jsonObject(with: $0) as? [String: Any])
        }
    }

    @Test("features, labels and the list of rows, in the order of the source")
    func safeTensors() throws {
        let result = try embed("a.safetensors")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("400 × 16 float32, cls"), "\(result.output)")
        let file = try SafeTensorsFile(path: folder.path("a.safetensors"))
        #expect(try file.verify())
        #expect(try file.tensor("features").shape == [400, 16])
        #expect(try file.tensor("labels").doubles() == (0..<400).map { Double($0 % 4) })
        #expect(try file.tensor("valid").doubles().allSatisfy { $0 == 1 })
        for (key, value) in [
            ("tokens", "cls"), ("blocks", "1"), ("leftOut", "0"), ("stride", "1"),
            ("scales", "1.0"), ("finalNorm", "true"), ("precision", "fp32"),
        ] { #expect(file.metadata["tessera." + key] == value, "\(key)") }
        let rows = try lines("a.jsonl")
        #expect(rows.map { $0["row"] as? Int } == (0..<400).map { $0 })
        #expect(rows.map { $0["label"] as? Int } == (0..<400).map { $0 % 4 })
        #expect(rows.allSatisfy { ($0["picture"] as? String)?.isEmpty == false })
        #expect(!FileManager.default.fileExists(atPath: folder.path("a.safetensors.unfinished")))
        // Pictures of one class are alike, so their features are; two classes differ.
        let values = try file.tensor("features").doubles()
        #expect(values.allSatisfy { $0.isFinite })
        #expect(values[..<16] != values[16..<32])
    }

    @Test("the batch size and the number of threads move no row to another place")
    func batches() throws {
        try #require(try embed("a.npy").status == 0)
        try #require(try embed("b.npy", ["batchSize=7", "workers=3"]).status == 0)
        let (a, b) = (
            try NumpyFile(path: folder.path("a.npy")).tensor.doubles(),
            try NumpyFile(path: folder.path("b.npy")).tensor.doubles()
        )
        #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-4 } && a.count == 400 * 16)
    }

    @Test(
        "each choice of tokens has its shape",
        arguments: [
            ("mean", 1, [400, 16]), ("clsAndMean", 2, [400, 48]), ("patches", 1, [400, 16, 16]),
            ("patches", 2, [400, 2, 16, 16]),
        ])
    func tokens(tokens: String, blocks: Int, shape: [Int]) throws {
        let result = try embed("t.npy", ["features.tokens=\(tokens)", "features.blocks=\(blocks)"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(try NumpyFile(path: folder.path("t.npy")).tensor.shape == shape)
    }

    @Test("killed at any instant, the same command goes on to the same file, to the bit")
    func kills() throws {
        let slow = ["saveEvery=0", "batchSize=4"]
        try #require(try embed("plain.safetensors", slow).status == 0)
        let expected = try contents("plain.safetensors")
        var goings = 0
        for part in 0..<8 {
            let result = try stop("killed.safetensors", slow, at: allBytes * part / 8 + 1)
            if result.errors.contains("going on after") { goings += 1 }
            // The signal may have come when the output was in place: then it begins again.
            let path = folder.path("killed.safetensors")
            if FileManager.default.fileExists(atPath: path) {
                #expect(try contents("killed.safetensors") == expected)
                try FileManager.default.removeItem(atPath: path)
            }
        }
        let end = try embed("killed.safetensors", slow)
        try #require(end.status == 0, "\(end.errors)")
        #expect(try contents("killed.safetensors") == expected)
        #expect(try contents("killed.jsonl") == contents("plain.jsonl"))
        #expect(goings > 0)
    }

    @Test("rows that a kill has cut in the middle are made anew")
    func tornRows() throws {
        let slow = ["saveEvery=0", "batchSize=4"]
        try #require(try embed("plain.npy", slow).status == 0)
        let result = try stop("torn.npy", slow, at: allBytes / 3)
        try #require(result.wasStopped, "it ended first")
        let state = folder.path("torn.npy.unfinished/rows")
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: state))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data([1, 2, 3, 4, 5, 6, 7]))
        try handle.close()
        let end = try embed("torn.npy", slow)
        #expect(end.status == 0 && end.errors.contains("going on after"), "\(end.errors)")
        #expect(try contents("torn.npy") == contents("plain.npy"))
    }

    @Test("SIGTERM saves, says how to go on and ends with 75")
    func terminate() throws {
        let result = try stop("term.npy", ["batchSize=2"], at: allBytes / 8, signal: SIGTERM)
        #expect(result.status == 75, "\(result.errors)")
        #expect(result.errors.contains("the same command goes on"))
        let end = try embed("term.npy", ["batchSize=2"])
        #expect(end.status == 0 && end.errors.contains("going on after"), "\(end.errors)")
    }

    @Test("an existing output, and rows of something else, are only given up on demand")
    func force() throws {
        try #require(try embed("a.npy").status == 0)
        let again = try embed("a.npy")
        #expect(again.status == 64 && again.errors.contains("--force"), "\(again.errors)")
        #expect(try embed("a.npy", ["--force"]).status == 0)
        try #require(try stop("b.npy", ["batchSize=2"], at: allBytes / 8).wasStopped)
        let other = try embed("b.npy", ["features.tokens=mean"])
        #expect(other.status == 64, "\(other.errors)")
        for word in ["features.tokens (cls, now mean)", "batchSize (2, now 16)", "--force"] {
            #expect(other.errors.contains(word), "\(other.errors)")
        }
        let forced = try embed("b.npy", ["features.tokens=mean", "--force"])
        #expect(forced.status == 0, "\(forced.errors)")
    }

    @Test("a bad picture has a row of NaN and a reason; the others keep theirs")
    func badFiles() throws {
        _ = try FaultCorpus(folder.path("corpus"), good: 12)
        let path = folder.path("pictures")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let good = try FileManager.default.subpathsOfDirectory(atPath: folder.path("corpus/good"))
            .filter { $0.hasSuffix(".jpg") || $0.hasSuffix(".png") }.sorted()
        try #require(good.count >= 10)
        for (index, name) in good.prefix(10).enumerated() {
            try FileManager.default.copyItem(
                atPath: folder.path("corpus/good/\(name)"),
                toPath: "\(path)/\(index).\(name.suffix(3))")
        }
        func features(_ name: String) throws -> (Program.Result, [[Double]]) {
            let result = try Program.run(
                ["embed", "--weights", run, "--data", path, "--out", folder.path(name), "--json"]
                    + ["--device", "cpu", "batchSize=2"])
            try #require(result.status == 0, "\(result.errors)")
            let values = try NumpyFile(path: folder.path(name)).tensor.doubles()
            return (result, (0..<10).map { Array(values[$0 * 16..<($0 + 1) * 16]) })
        }
        let (_, sound) = try features("sound.npy")
        // A whole batch, and one of two.
        let listed = try lines("sound.jsonl").compactMap { $0["picture"] as? String }
        for row in [2, 3, 6] {
            try Data("no picture".utf8).write(to: URL(fileURLWithPath: listed[row]))
        }
        let (result, damaged) = try features("damaged.npy")
        #expect(result.output.contains(#""bad":3"#), "\(result.output)")
        let rows = try lines("damaged.jsonl")
        for row in 0..<10 {
            let isBad = [2, 3, 6].contains(row)
            let reason = rows[row]["error"] as? String
            #expect((reason != nil) == isBad)
            if isBad {
                #expect(damaged[row].allSatisfy { $0.isNaN })
            } else {
                #expect(zip(damaged[row], sound[row]).allSatisfy { abs($0 - $1) < 1e-4 })
            }
        }
        for row in 0..<10 { try Data().write(to: URL(fileURLWithPath: listed[row])) }
        let none = try Program.run(
            ["embed", "--weights", run, "--data", path, "--out", folder.path("none.npy")])
        #expect(none.status == 65 && none.errors.contains("none of 10"), "\(none.errors)")
    }

    /// Writes NaN into the first layer of the run's newest checkpoint.
    private func breakWeights() throws {
        let checkpoints = run + "/checkpoints"
        let name = try #require(
            FileManager.default.contentsOfDirectory(atPath: checkpoints)
                .filter { $0.hasPrefix("step-") }.max())
        let file = try SafeTensorsFile(path: "\(checkpoints)/\(name)")
        let broken = "model.patch_embed.proj.weight"
        try #require(file.names.contains(broken))
        let entries = try file.names.map { name in
            let tensor = try file.tensor(name)
            return SafeTensorsWriter.Entry(
                name: name, elementType: tensor.elementType, shape: tensor.shape)
        }
        let writer = try SafeTensorsWriter(
            path: file.path, entries: entries, metadata: file.metadata)
        for entry in writer.entries {
            let bytes =
                try entry.name == broken
                ? [UInt8](repeating: 0xFF, count: entry.byteCount)
                : [UInt8](file.bytes(of: entry.name))
            try bytes.withUnsafeBytes { try writer.append($0) }
        }
        try writer.finish()
    }

    @Test("weights that give NaN are refused: such rows are for pictures that cannot be read")
    func brokenWeights() throws {
        try breakWeights()
        let result = try embed("nan.safetensors")
        #expect(result.status == 65, "\(result.errors)")
        for word in ["the features of rows 0 to 15", "not finite", "weights are broken"] {
            #expect(result.errors.contains(word), "\(result.errors)")
        }
        // Nothing was computed that the same command could go on with.
        for name in ["nan.safetensors", "nan.jsonl", "nan.safetensors.unfinished"] {
            #expect(!FileManager.default.fileExists(atPath: folder.path(name)), "\(name)")
        }
        let scored = try Program.run(
            ["evaluate", "knn", "--weights", run, "--data", data, "protocol.neighbors=[3]"])
        #expect(scored.status == 65 && scored.errors.contains("not finite"), "\(scored.errors)")
    }

    @Test("an output that cannot be written ends with 73, the file and the reason")
    func unwritable() throws {
        let place = try Program.run(
            ["embed", "--weights", run, "--data", data, "--out", "/proc/x.npy"])
        #expect(place.status == 73, "\(place.errors)")
        #expect(
            place.errors.contains("tessera: /proc/x.npy.unfinished: cannot be made: "),
            "\(place.errors)")
        #expect(!place.errors.contains("NSCocoaErrorDomain"), "\(place.errors)")
        // A file where the folder of the rows has to be.
        try Data().write(to: URL(fileURLWithPath: folder.path("a.npy.unfinished")))
        let taken = try embed("a.npy")
        #expect(taken.status == 73, "\(taken.errors)")
        #expect(taken.errors.contains("a.npy.unfinished: cannot be made: "), "\(taken.errors)")
    }

    @Test("wrong paths and settings say what is expected")
    func usage() throws {
        let ending = try Program.run(
            ["embed", "--weights", run, "--data", data, "--out", folder.path("a.csv")])
        #expect(ending.status == 64 && ending.errors.contains(".safetensors or .npy"))
        let place = try Program.run(
            ["embed", "--weights", run, "--data", data, "--out", folder.path("no/a.npy")])
        #expect(place.status == 64 && place.errors.contains("does not exist"))
        let size = try embed("a.npy", ["imageSize=9"])
        #expect(size.status == 64 && size.errors.contains("multiple of the patch size"))
        let blocks = try embed("a.npy", ["features.blocks=3"])
        #expect(blocks.status == 64, "\(blocks.errors)")
        #expect(blocks.errors.contains("features.blocks is 3, expected at most 2"))
        let dropping = try embed("a.npy", ["features.dropPath=0.1"])
        #expect(dropping.status == 64 && dropping.errors.contains("features.dropPath"))
        let key = try embed("a.npy", ["features.token=mean"])
        #expect(key.status == 64 && key.errors.contains("tokens"))
    }
}
