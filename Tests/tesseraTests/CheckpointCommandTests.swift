import Foundation
import TensorFiles
import TestSupport
import Testing

@Suite("tessera checkpoint") struct CheckpointCommandTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    // MARK: Files

    typealias Named = (name: String, values: [Float], shape: [Int])

    /// Writes tensors as `.safetensors` and returns the path.
    private func write(
        _ tensors: [Named], as name: String = "a.safetensors", metadata: [String: String] = [:]
    ) throws -> String {
        let path = folder.path(name)
        let writer = try SafeTensorsWriter(
            path: path,
            entries: tensors.map {
                .init(name: $0.name, elementType: .float32, shape: $0.shape)
            }, metadata: metadata)
        for (_, values, _) in tensors { try values.withUnsafeBytes { try writer.append($0) } }
        try writer.finish()
        return path
    }

    /// A small transformer of three equal blocks, and one of another width.
    private static func transformer(prefix: String = "") -> [Named] {
        var tensors: [Named] = [
            ("cls_token", [0.5, 1], [1, 1, 2]), ("patch_embed.proj.weight", [1, 2, 3, 4], [2, 2]),
        ]
        for block in 0..<4 {
            let width = block == 3 ? 1 : 2
            tensors.append(
                (
                    "blocks.\(block).attn.qkv.weight",
                    (0..<width * 2).map { Float($0 + 1) }, [width, 2]
                ))
            tensors.append(("blocks.\(block).norm1.weight", [1, 1], [2]))
        }
        return tensors.map { (prefix + $0.name, $0.values, $0.shape) }
    }

    /// What `pickle.dumps(…, protocol=2)` of Python 3 and NumPy 2 gave: `student` (names under
    /// `module.backbone.` and `module.head.`), `teacher` (without `module.`, all numbers greater by
    /// one), `optimizer`, `epoch` 3, `args` a Namespace of arch, lr, out_dim, seed.
    private func writePickle() throws -> String {
        let text = """
            gAJ9cQAoWAcAAABzdHVkZW50cQF9cQIoWBEAAABtb2R1bGUuYmFja2JvbmUud3EDY251bXB5Ll9jb3JlLm11
            bHRpYXJyYXkKX3JlY29uc3RydWN0CnEEY251bXB5Cm5kYXJyYXkKcQVLAIVxBmNfY29kZWNzCmVuY29kZQpx
            B1gBAAAAYnEIWAYAAABsYXRpbjFxCYZxClJxC4dxDFJxDShLAUsCSwOGcQ5jbnVtcHkKZHR5cGUKcQ9YAgAA
            AGY0cRCJiIdxEVJxEihLA1gBAAAAPHETTk5OSv////9K/////0sAdHEUYoloB1gbAAAAAAAAAAAAwoA/AAAA
            QAAAQEAAAMKAQAAAwqBAcRVoCYZxFlJxF3RxGGJYEQAAAG1vZHVsZS5iYWNrYm9uZS5icRloBGgFSwCFcRpo
            C4dxG1JxHChLAUsChXEdaBKJaAdYCQAAAAAAAAAAAMKAP3EeaAmGcR9ScSB0cSFiWA0AAABtb2R1bGUuaGVh
            ZC53cSJoBGgFSwCFcSNoC4dxJFJxJShLAUsCSwKGcSZoEoloB1gRAAAAAAAAAAAAwoA/AAAAQAAAQEBxJ2gJ
            hnEoUnEpdHEqYnVYBwAAAHRlYWNoZXJxK31xLChYCgAAAGJhY2tib25lLndxLWgEaAVLAIVxLmgLh3EvUnEw
            KEsBSwJLA4ZxMWgSiWgHWBwAAAAAAMKAPwAAAEAAAEBAAADCgEAAAMKgQAAAw4BAcTJoCYZxM1JxNHRxNWJY
            CgAAAGJhY2tib25lLmJxNmgEaAVLAIVxN2gLh3E4UnE5KEsBSwKFcTpoEoloB1gJAAAAAADCgD8AAABAcTto
            CYZxPFJxPXRxPmJYBgAAAGhlYWQud3E/aARoBUsAhXFAaAuHcUFScUIoSwFLAksChnFDaBKJaAdYEgAAAAAA
            woA/AAAAQAAAQEAAAMKAQHFEaAmGcUVScUZ0cUdidVgJAAAAb3B0aW1pemVycUh9cUkoWAUAAABzdGF0ZXFK
            fXFLSwB9cUwoWAQAAABzdGVwcU1oBGgFSwCFcU5oC4dxT1JxUChLAUsBhXFRaBKJaAdYBAAAAAAAAABxUmgJ
            hnFTUnFUdHFVYlgHAAAAZXhwX2F2Z3FWaARoBUsAhXFXaAuHcVhScVkoSwFLAksDhnFaaBKJaAdYGwAAAAAA
            AAAAAMKAPwAAAEAAAEBAAADCgEAAAMKgQHFbaAmGcVxScV10cV5idXNYDAAAAHBhcmFtX2dyb3Vwc3FfXXFg
            fXFhKFgCAAAAbHJxYkc/4AAAAAAAAFgMAAAAd2VpZ2h0X2RlY2F5cWNHP7mZmZmZmZpYBgAAAHBhcmFtc3Fk
            XXFlSwBhdWF1WAUAAABlcG9jaHFmSwNYBAAAAGFyZ3NxZ2NhcmdwYXJzZQpOYW1lc3BhY2UKcWgpgXFpfXFq
            KFgEAAAAYXJjaHFrWAMAAAB2aXRxbGhiRz/QAAAAAAAAWAcAAABvdXRfZGltcW1LAlgEAAAAc2VlZHFuSwF1
            YnUu
            """
        let path = folder.path("checkpoint.pth")
        let bytes = try #require(Data(base64Encoded: text.split(separator: "\n").joined()))
        try bytes.write(to: URL(fileURLWithPath: path))
        return path
    }

    // MARK: Running

    private func run(
        _ arguments: [String], status: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Program.Result {
        // None of it needs libtorch.
        let result = try Program.run(
            ["checkpoint"] + arguments, environment: ["LIBTORCH": "/nonexistent"])
        #expect(
            result.status == status, "\(result.output)\(result.errors)",
            sourceLocation: sourceLocation)
        return result
    }

    private func objects(
        _ arguments: [String], status: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [[String: Any]] {
        let result = try run(
            arguments + ["--json"], status: status, sourceLocation: sourceLocation)
        return try result.output.split(separator: "\n").map { line in
            try #require(
                JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)",
                sourceLocation: sourceLocation)
        }
    }

    /// The words of the line that starts with `label`.
    private func line(_ label: String, in output: String) throws -> [String] {
        let words = output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        return try #require(words.first { $0.first == label }, "\(output)")
    }

    // MARK: inspect

    @Test("inspect folds blocks that are alike, and sums up modules")
    func inspect() throws {
        let path = try write(Self.transformer())
        let output = try run(["inspect", path]).output
        #expect(output.hasPrefix("\(path): safetensors, 10 tensors, 28 numbers, 112 bytes\n"))
        #expect(
            try line("0-2", in: output)
                == ["0-2", "3", "×", "6", "72", "bytes", "6", "tensors,", "float32"])
        #expect(
            try line("3", in: output)[1...] == ["4", "16", "bytes", "2", "tensors,", "float32"])
        #expect(
            try line("blocks", in: output)[1...]
                == ["22", "88", "bytes", "8", "tensors,", "float32"])
        #expect(try line("patch_embed.proj.weight", in: output).last == "2]")
        #expect(!output.contains("\n    1 "))

        let whole = try run(["inspect", path, "--all"]).output
        #expect(!whole.contains("0-2"))
        #expect(try line("1", in: whole)[1] == "6")
        #expect(whole.split(separator: "\n").count > output.split(separator: "\n").count)
        let flat = try run(["inspect", path, "--depth", "1"]).output
        #expect(flat.contains("blocks") && !flat.contains("0-2"))
    }

    @Test("the folder of a run stands for its newest checkpoint that is intact")
    func runFolder() throws {
        let checkpoints = folder.path("run/checkpoints")
        try FileManager.default.createDirectory(
            atPath: checkpoints, withIntermediateDirectories: true)
        try Data("run: {method: mae}".utf8).write(
            to: URL(fileURLWithPath: folder.path("run/config.yaml")))
        let path = folder.path("run")
        #expect(
            try run(["inspect", path], status: 64).errors.contains(
                "\(checkpoints) holds no intact checkpoint"))
        let old = try write([("x", [1, 2], [2])], as: "run/checkpoints/step-00000002.safetensors")
        #expect(try run(["inspect", path]).output.hasPrefix("\(old): safetensors"))
        let new = try write([("x", [3, 4], [2])], as: "run/checkpoints/step-00000010.safetensors")
        let copy = folder.path("copy.safetensors")
        _ = try run(["convert", path, copy])
        #expect(try run(["diff", path, new]).output.contains("1 equal"))
        #expect(try run(["diff", path, copy]).output.contains("1 equal"))
        // A damaged one is passed over, and named.
        var bytes = try Data(contentsOf: URL(fileURLWithPath: new))
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: URL(fileURLWithPath: new))
        let result = try run(["inspect", path])
        #expect(result.output.hasPrefix("\(old): safetensors"))
        #expect(result.errors.contains("passing over a damaged checkpoint, \(new): "))
    }

    @Test("inspect says what else a training checkpoint holds")
    func inspectContents() throws {
        let output = try run(["inspect", try writePickle()]).output
        #expect(try line("student.module", in: output)[1] == "12")
        #expect(try line("teacher", in: output)[1] == "12")
        for text in [
            "  epoch = 3\n", "  args: 4 entries\n", "    arch = 'vit'\n", "    lr = 0.25\n",
            "optimizer: step, exp_avg of 1 parameters, 2 tensors", "1 group: lr 0.5",
        ] {
            #expect(output.contains(text), "\(output)")
        }
        #expect(!output.contains("optimizer.state"))
        #expect(
            try run(["inspect", folder.path("checkpoint.pth"), "--all"]).output.contains("exp_avg ")
        )
    }

    @Test("inspect --json: the keys of before, and numbers with --statistics")
    func inspectJSON() throws {
        let path = try write([
            ("w", [1, 2, 3, .nan], [2, 2]), ("b", [-.infinity, 4], [2]), ("e", [], [0]),
        ])
        for entry in try objects(["inspect", path]) {
            #expect(Set(entry.keys) == ["name", "dtype", "shape"])
        }
        let entries = try objects(["inspect", path, "--statistics"])
        #expect(entries.compactMap { $0["name"] as? String } == ["w", "b", "e"])
        #expect(entries[0]["mean"] as? Double == 2 && entries[0]["nan"] as? Int == 1)
        #expect(entries[0]["min"] as? Double == 1 && entries[0]["max"] as? Double == 3)
        let deviation = try #require(entries[0]["std"] as? Double)
        #expect(abs(deviation - (2.0 / 3).squareRoot()) < 1e-12)
        #expect(entries[1]["inf"] as? Int == 1 && entries[1]["mean"] as? Double == 4)
        #expect(entries[2]["mean"] == nil && entries[2]["nan"] as? Int == 0)
        let text = try run(["inspect", path, "--statistics"]).output
        #expect(text.contains("mean 2 std 0.8165 min 1 max 3  NaN 1"))
    }

    // MARK: diff

    @Test("diff: equal files, also in other forms and with prefixes")
    func diffEqual() throws {
        let a = try write(Self.transformer())
        let b = try write(Self.transformer(prefix: "module."), as: "b.safetensors")
        #expect(try run(["diff", a, a]).output == "10 equal\n")
        #expect(try run(["diff", a, b, "--prefix-b", "module."]).output == "10 equal\n")
        let apart = try run(["diff", a, b], status: 1).output
        #expect(apart.contains("10 only in A, 10 only in B"))
        let wrong = try run(["diff", a, b, "--prefix-b", "modul."], status: 64)
        #expect(wrong.errors.contains("did you mean 'module.'?"))
    }

    @Test("diff names every kind of difference")
    func diffKinds() throws {
        let a = try write([
            ("same", [1], [1]), ("values", [1, 2, 4, 8], [2, 2]), ("shape", [1, 2], [2]),
            ("gamma_1", [1], [1]), ("alone", [1], [1]),
        ])
        let b = try write(
            [
                ("same", [1], [1]), ("values", [1, 2, 5, 8], [2, 2]), ("shape", [1, 2], [1, 2]),
                ("gamma1", [1], [1]),
            ], as: "b.safetensors")
        let entries = try objects(["diff", a, b], status: 1)
        let status = Dictionary(
            uniqueKeysWithValues: entries.dropLast().map {
                ($0["name"] as? String ?? "", $0["status"] as? String ?? "")
            })
        #expect(
            status == [
                "same": "equal", "values": "values", "shape": "shape", "gamma_1": "only-a",
                "alone": "only-a", "gamma1": "only-b",
            ])
        let values = try #require(entries.first { $0["name"] as? String == "values" })
        #expect(values["max_abs_difference"] as? Double == 1)
        #expect(values["max_rel_difference"] as? Double == 0.2)
        #expect(values["equal_share"] as? Double == 0.75)
        #expect(values["worst"] as? [Int] == [1, 0])
        let stray = try #require(entries.first { $0["name"] as? String == "gamma_1" })
        #expect(stray["nearest"] as? String == "gamma1")
        let counts = try #require(entries.last)
        #expect(counts["equal"] as? Int == 1 && counts["only_a"] as? Int == 2)

        let text = try run(["diff", a, b], status: 1).output
        for line in [
            "values   values  float32 [2, 2]: max |a-b| 1 at [1, 0], relative 0.2, 75 % equal\n",
            "shape    shape  float32 [2] and float32 [1, 2]\n",
            "only A   gamma_1  float32 [1]; the other file has gamma1\n",
            "1 equal, 1 with other values, 1 of another shape, 2 only in A, 1 only in B\n",
        ] {
            #expect(text.contains(line), "\(text)")
        }
    }

    @Test("diff: tolerances, and types that differ")
    func diffTolerance() throws {
        let a = try write([("w", [1, 2], [2])])
        let b = try write([("w", [1, 2.25], [2])], as: "b.safetensors")
        _ = try run(["diff", a, b], status: 1)
        _ = try run(["diff", a, b, "--tolerance", "0.25"])
        _ = try run(["diff", a, b, "--relative-tolerance", "0.12"])
        _ = try run(["diff", a, b, "--tolerance", "0.2"], status: 1)
        _ = try run(["diff", a, b, "--tolerance", "-1"], status: 64)

        let half = folder.path("half.safetensors")
        let writer = try SafeTensorsWriter(
            path: half, entries: [.init(name: "w", elementType: .float16, shape: [2])])
        try ([1, 2] as [Float16]).withUnsafeBytes { try writer.append($0) }
        try writer.finish()
        let result = try run(["diff", a, half], status: 1)
        #expect(result.output.contains("float32 [2] and float16 [2]: the same numbers"))
        _ = try run(["diff", a, half, "--ignore-dtype"])
        // A file that cannot be read is no difference.
        _ = try run(["diff", a, folder.path("none")], status: 65)
    }

    // MARK: verify

    @Test("verify: nothing to find in a healthy file")
    func verifyHealthy() throws {
        let path = try write(
            Self.transformer() + [("norm.weight", [1, 1], [2]), ("norm.bias", [0, 0], [2])])
        let result = try run(["verify", path])
        #expect(
            result.output
                == "\(path): safetensors; 12 tensors; checksums of header and data; nothing found\n"
        )
    }

    @Test("verify: NaN, infinities, dead units, constants, denormals")
    func verifyNumbers() throws {
        let path = try write([
            ("nan.weight", [1, .nan, 2, 3], [2, 2]), ("inf.bias", [.infinity, 1], [2]),
            ("dead.weight", [1, 2, 0, 0, 3, 4], [3, 2]), ("dead.bias", [0, 0, 0], [3]),
            ("table", [0, 0, 0, 0], [2, 2]), ("tiny.weight", [0x1p-140, 1, 1, 2], [4]),
            ("ln.weight", [1, 1], [2]),
        ])
        let entries = try objects(["verify", path], status: 65)
        let found = entries.dropLast().map { entry in
            [entry["tensor"], entry["finding"], entry["severity"]].map { $0 as? String ?? "" }
                + ["\(entry["count"] as? Int ?? -1)"]
        }
        #expect(
            Set(found) == [
                ["nan.weight", "nan", "error", "1"], ["inf.bias", "infinity", "error", "1"],
                ["dead.weight", "dead_units", "warning", "1"],
                ["dead.bias", "constant", "note", "3"], ["table", "constant", "note", "4"],
                ["tiny.weight", "denormal", "warning", "1"],
            ])
        let summary = try #require(entries.last)
        #expect(summary["errors"] as? Int == 2 && summary["warnings"] as? Int == 2)
        #expect(summary["notes"] as? Int == 2 && summary["tensors"] as? Int == 7)

        let dead = try write([("dead.weight", [1, 2, 0, 0], [2, 2])], as: "dead.safetensors")
        #expect(try run(["verify", dead]).output.contains("1 of 2 rows are zero"))
        _ = try run(["verify", dead, "--strict"], status: 65)
    }

    @Test("verify: a changed byte, a cut file, and what is no checkpoint")
    func verifyDamage() throws {
        let path = try write(Self.transformer())
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count - 1] ^= 1
        let changed = folder.path("changed.safetensors")
        try bytes.write(to: URL(fileURLWithPath: changed))
        let entries = try objects(["verify", changed], status: 65)
        #expect(entries.first?["finding"] as? String == "checksum")
        #expect(entries.last?["errors"] as? Int == 1)

        let cut = folder.path("cut.safetensors")
        try bytes.dropLast(8).write(to: URL(fileURLWithPath: cut))
        #expect(
            try objects(["verify", cut], status: 65).first?["finding"] as? String == "structure")
        let text = folder.path("notes.pth")
        try Data("no checkpoint".utf8).write(to: URL(fileURLWithPath: text))
        #expect(try run(["verify", text], status: 65).output.hasPrefix("error  "))
        #expect(try run(["verify", folder.path("none")], status: 65).errors.contains("none"))
    }

    // MARK: extract

    @Test("extract lists what is inside")
    func extractList() throws {
        let parts = try objects(["extract", try writePickle()])
        #expect(parts.compactMap { $0["key"] as? String } == ["student", "teacher", "optimizer"])
        #expect(
            parts.compactMap { $0["kind"] as? String } == ["weights", "weights", "optimizer"])
        #expect(parts.compactMap { $0["tensors"] as? Int } == [3, 3, 2])
        let text = try run(["extract", folder.path("checkpoint.pth")]).output
        #expect(text.contains("student") && text.contains("3 tensors, 12 numbers, 48 bytes"))
    }

    @Test("extract: the teacher's backbone without head, and where it is from")
    func extractBackbone() throws {
        let source = try writePickle()
        let out = folder.path("teacher.safetensors")
        let command = [
            "extract", source, "--key", "teacher", "--strip-prefix", "backbone.", "--without",
            "head.", "--out", out,
        ]
        _ = try run(command)
        let file = try SafeTensorsFile(path: out)
        #expect(file.names.sorted() == ["b", "w"])
        #expect(try file.tensor("w").doubles() == [1, 2, 3, 4, 5, 6])
        #expect(try file.tensor("w").shape == [2, 3])
        #expect(try file.verify())
        #expect(file.metadata["tessera.source.file"] == "checkpoint.pth")
        #expect(file.metadata["tessera.source.key"] == "teacher")
        #expect(file.metadata["tessera.source.epoch"] == "3")
        #expect(file.metadata["tessera.source.stripped"] == "backbone.")
        #expect(file.metadata["tessera.source.without"] == "head.")

        let before = try Data(contentsOf: URL(fileURLWithPath: out))
        #expect(try run(command, status: 64).errors.contains("--force"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: out)) == before)
        // The student's `module.` goes of itself; its numbers are others.
        var student = command
        student[3] = "student"
        let written = try objects(student + ["--force"])
        #expect(written.first?["stripped"] as? [String] == ["module.", "backbone."])
        #expect(written.first?["tensors"] as? Int == 2 && written.first?["left_out"] as? Int == 1)
        #expect(try SafeTensorsFile(path: out).tensor("b").doubles() == [0, 1])
        _ = try run(["diff", source, out, "--prefix-a", "student.module.backbone."])
    }

    @Test("extract: with the head, names keep what is not stripped")
    func extractWithHead() throws {
        let out = folder.path("student.safetensors")
        _ = try run(["extract", try writePickle(), "--key", "student", "--out", out])
        #expect(
            try SafeTensorsFile(path: out).names.sorted() == ["backbone.b", "backbone.w", "head.w"])
    }

    @Test(
        "extract: mistakes are named, with what was meant",
        arguments: [
            (["--key", "techer"], "did you mean 'teacher'?"), ([], "choose one with --key"),
            (["--key", "teacher", "--strip-prefix", "bakbone."], "did you mean 'backbone.'?"),
            (["--key", "teacher", "--without", "heads."], "did you mean 'head.'?"),
            (
                ["--key", "teacher", "--strip-prefix", "backbone.", "--strip-prefix", "head."],
                "strip less"
            ),
            (["--key", "teacher", "--without", "backbone.", "--without", "head."], "leaves none"),
        ])
    func extractMistakes(options: [String], text: String) throws {
        let out = folder.path("out.safetensors")
        let result = try run(
            ["extract", try writePickle(), "--out", out] + options, status: 64)
        #expect(result.errors.contains(text), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: out))
    }

    @Test("extract: an option without --out would do nothing")
    func extractWithoutOut() throws {
        let result = try run(["extract", try writePickle(), "--key", "teacher"], status: 64)
        #expect(result.errors.contains("--out"))
    }

    @Test("extract takes parts of safetensors files by the start of their names")
    func extractSafeTensors() throws {
        let path = try write(
            [
                ("encoder.module.w", [1], [1]), ("target_encoder.module.w", [2], [1]),
                ("predictor.module.w", [3], [1]),
            ], metadata: ["epoch": "7"])
        let out = folder.path("out.safetensors")
        _ = try run(["extract", path, "--key", "target_encoder", "--out", out])
        let file = try SafeTensorsFile(path: out)
        #expect(file.names == ["w"] && file.metadata["epoch"] == "7")
        #expect(try file.tensor("w").doubles() == [2])
    }
}

/// The files that the reference programs wrote.
@Suite(
    "tessera checkpoint on recorded checkpoints",
    .enabled(
        if: RecordedFiles.all.contains(RecordedFiles.teacherAndStudent),
        "no recorded checkpoints: set TESSERA_PARITY to the folder that holds them"))
struct RecordedCheckpointCommandTests {
    @Test("inspect, verify and the list of extract work on every one", arguments: RecordedFiles.all)
    func all(file: String) throws {
        let path = RecordedFiles.path(file)
        let inspected = try Program.run(["checkpoint", "inspect", path, "--statistics", "--json"])
        let names = try inspected.output.split(separator: "\n").map { line in
            let entry = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return try #require(entry?["name"] as? String)
        }
        let verified = try Program.run(["checkpoint", "verify", path])
        #expect(inspected.status == 0 && verified.status == 0, "\(verified.output)")
        #expect(names == (try CheckpointFile(path: path).tensors().map(\.name)))
        #expect(try Program.run(["checkpoint", "inspect", path]).status == 0)
        let listed = try Program.run(["checkpoint", "extract", path, "--json"])
        let counts = try listed.output.split(separator: "\n").map { line in
            let entry = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return try #require(entry?["tensors"] as? Int)
        }
        #expect(listed.status == 0 && counts.reduce(0, +) == names.count)
        #expect(try Program.run(["checkpoint", "diff", path, path]).status == 0)
    }

    @Test(
        "extract gives what iBOT's own extraction gave",
        arguments: [
            ("student", ["--without", "head."], "backbone_student.pth"),
            ("teacher", ["--without", "head."], "backbone_teacher.pth"),
        ])
    func extract(key: String, options: [String], expected: String) throws {
        let folder = try TemporaryFolder()
        let out = folder.path("out.safetensors")
        let result = try Program.run(
            [
                "checkpoint", "extract", RecordedFiles.path(RecordedFiles.teacherAndStudent),
                "--key", key,
                "--strip-prefix", "backbone.", "--out", out,
            ] + options)
        try #require(result.status == 0, "\(result.errors)")
        let other = RecordedFiles.path("ibot/checkpoints/\(expected)")
        let diff = try Program.run(
            ["checkpoint", "diff", out, other, "--prefix-b", "state_dict."])
        #expect(diff.status == 0, "\(diff.output)\(diff.errors)")
    }
}

/// Files of tensors below `<family>/checkpoints` of the recorded cases.
enum RecordedFiles {
    static let teacherAndStudent = "ibot/checkpoints/pretrain_vit_shared.pth"

    static let all: [String] = {
        let files = FileManager.default.enumerator(atPath: ParityFolder.inUse.path)
        guard let files else { return [] }
        return files.compactMap { $0 as? String }.filter { file in
            guard file.split(separator: "/").dropFirst().first == "checkpoints",
                let handle = FileHandle(forReadingAtPath: path(file)),
                let start = try? handle.read(upToCount: 9)
            else { return false }
            let isArchive = start.starts(with: Array("PK\u{3}\u{4}".utf8))
            return isArchive || start.starts(with: [0x93] + Array("NUMPY".utf8))
                || file.hasSuffix(".safetensors")
        }.sorted()
    }()

    static func path(_ file: String) -> String { ParityFolder.inUse.path + "/" + file }
}
