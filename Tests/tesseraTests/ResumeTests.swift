import Foundation
import TensorFiles
import Testing

@Suite("A stopped run continues to the bit", .serialized)
struct ResumeTests {
    private let folder: TemporaryFolder
    private let pictures: TemporaryFolder
    private let data: String

    init() throws {
        folder = try TemporaryFolder()
        pictures = try TemporaryFolder()
        data = try TinyPictures.write(to: pictures)
    }

    /// The last checkpoint of a run that nothing disturbed.
    private func undisturbed(_ name: String, _ settings: [String] = []) throws -> Data {
        let out = folder.path(name)
        let result = try Program.run(
            ["pretrain", "mae", "--data", data, "--out", out] + TinyPictures.settings + settings)
        try #require(result.status == 0, "\(result.errors)")
        return try lastCheckpoint(out)
    }

    private func newest(_ run: String) throws -> String {
        let names = try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints")
        return run + "/checkpoints/" + (try #require(names.filter { $0.hasPrefix("step-") }.max()))
    }

    private func lastCheckpoint(_ run: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: newest(run)))
    }

    @Test("killed at 20 random instants (P4, P1)")
    func kills() throws {
        let expected = try undisturbed("plain")
        let out = folder.path("killed")
        var generator = SplitMix(state: 20)
        var kills = 0
        var arguments = ["pretrain", "mae", "--data", data, "--out", out] + TinyPictures.settings
        while kills < 20 {
            let milliseconds = 50 + Int(generator.next() % 1500)
            let result = try Program.run(arguments, killAfter: .milliseconds(milliseconds))
            if result.wasKilled {
                kills += 1
            } else {
                // The run ended before the signal: take away its second half and go on killing.
                try #require(result.status == 0, "\(result.errors)")
                try rewind(out)
            }
            // Before the folder held a configuration there is nothing to resume.
            if FileManager.default.fileExists(atPath: out + "/config.yaml") {
                arguments = ["resume", out]
            }
        }
        let end = try Program.run(["resume", out])
        try #require(end.status == 0, "\(end.errors)")
        #expect(try lastCheckpoint(out) == expected)
    }

    /// Removes all checkpoints but the oldest.
    private func rewind(_ run: String) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints")
            .filter { $0.hasPrefix("step-") }.sorted()
        for name in names.dropFirst() {
            try FileManager.default.removeItem(atPath: run + "/checkpoints/" + name)
        }
    }

    @Test("threads, prefetch, log and probe change nothing (P3)")
    func freeSettings() throws {
        let expected = try undisturbed("one", ["data.workers=1", "data.prefetch=1"])
        #expect(try undisturbed("many", ["data.workers=5", "data.prefetch=4"]) == expected)
        #expect(try undisturbed("probed", ["run.probeEvery=1", "run.logEvery=1"]) == expected)
        #expect(try undisturbed("saved", ["run.saveEvery=0.2", "run.keep=9"]) == expected)
    }

    @Test("operator threads are recorded, so another machine's cores change nothing")
    func operatorThreads() throws {
        let expected = try undisturbed("two", ["run.threads=2"])
        let out = folder.path("resumed-elsewhere")
        var arguments =
            ["pretrain", "mae", "--data", data, "--out", out] + TinyPictures.settings
            + ["run.threads=2"]
        let first = try Program.run(arguments, killAfter: .milliseconds(900), signal: SIGTERM)
        arguments = ["resume", out]
        if first.status != 0 { #expect(first.status == 75, "\(first.errors)") }
        let end = try Program.run(arguments, environment: ["OMP_NUM_THREADS": "1"])
        try #require(end.status == 0, "\(end.errors)")
        #expect(try lastCheckpoint(out) == expected)
    }

    @Test("SimMIM too: stopped half-way, then resumed", arguments: ["simmim", "simmim-swin"])
    func simMIM(method: String) throws {
        let settings = Self.settings(of: method, optim: "optim.lr=0.01")
        let (whole, half) = try (
            run(method, "whole", settings), resumed(method, settings)
        )
        #expect(try lastCheckpoint(half) == lastCheckpoint(whole))
        let shown = try Program.run(["report", whole])
        #expect(shown.status == 0, "\(shown.errors)")
        let page = try String(contentsOfFile: whole + "/report.html", encoding: .utf8)
        #expect(page.contains("Reconstruction"))
    }

    /// A run with all its checkpoints.
    private func run(_ method: String, _ name: String, _ settings: [String]) throws -> String {
        let out = folder.path("\(method)-\(name)")
        let result = try Program.run(
            ["pretrain", method, "--data", data, "--out", out, "run.keep=99"] + settings)
        try #require(result.status == 0, "\(result.errors)")
        return out
    }

    /// By the lines of the log.
    private func meanLossOfLastEpoch(_ run: String) throws -> Double {
        let text = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
        let lines = try text.split(separator: "\n").compactMap { line -> (Double, Double)? in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            let values = try #require(object as? [String: Any])
            guard let epoch = values["epoch"] as? Double, let loss = values["loss"] as? Double
            else { return nil }
            return (epoch, loss)
        }
        let end = try #require(lines.last).0
        let losses = lines.filter { $0.0 > end - 1 + 1e-6 }.map(\.1)
        return losses.reduce(0, +) / Double(losses.count)
    }

    /// The same run with its second half taken away and made again.
    private func resumed(_ method: String, _ settings: [String]) throws -> String {
        let half = try run(method, "half", settings)
        let names = try FileManager.default.contentsOfDirectory(atPath: half + "/checkpoints")
            .filter { $0.hasPrefix("step-") }.sorted()
        #expect(names.count > 10)
        for name in names.dropFirst(names.count / 2) {
            try FileManager.default.removeItem(atPath: half + "/checkpoints/" + name)
        }
        let end = try Program.run(["resume", half])
        try #require(end.status == 0, "\(end.errors)")
        return half
    }

    @Test(
        "methods with a teacher too: stopped half-way, then resumed",
        arguments: ["ijepa", "stop", "ibot", "ibot-swin"])
    func teachers(method: String) throws {
        // What the methods' own files are called after.
        let form = method.hasPrefix("ibot") ? "ibot" : method
        let settings = Self.settings(of: method, optim: "optim.lr=0.01") + ["run.probeEvery=2"]
        let (whole, half) = try (
            run(method, "whole", settings), resumed(method, settings)
        )
        #expect(try lastCheckpoint(half) == lastCheckpoint(whole))

        let report = try String(contentsOfFile: whole + "/report.html", encoding: .utf8)
        let shown =
            form == "ibot"
            ? [
                "Entropy of the teacher", "Distance of student and teacher", "Prototypes in use",
                "Length of the centre", ">patches",
            ]
            : [
                "of predicting the pictures", "Spread of the targets", ">Prediction<",
                "the block of the similarities below", "similarity", "Loss of each place",
            ]
        for part in shown + ["Representation", "Rank of the features", "k-NN probe"] {
            #expect(report.contains(part), "\(method): \(part)")
        }

        // The state as the method's own code saves it: who goes on from it has every weight and moment.
        let theirs = folder.path("\(method).pth.tar")
        let export = try Program.run(
            ["checkpoint", "export", "--weights", whole, "--to", form, theirs])
        try #require(export.status == 0, "\(export.errors)")
        let file = try PyTorchFile(path: theirs)
        if form == "ibot" {
            // It has a scaler in fp16 only.
            #expect(throws: (any Error).self) { try file.value(at: ["fp16_scaler"]) }
        } else {
            #expect(export.output.contains("2 heads"), "\(export.output)")
            let told = try Program.run(["checkpoint", "inspect", theirs])
            #expect(told.output.contains("family \(form):"), "\(told.output)")
            #expect(try file.value(at: ["scaler", "scale"]).double == 65536)
            let mean = try meanLossOfLastEpoch(whole)
            #expect(try abs((file.value(at: ["loss"]).double ?? 0) - mean) < 1e-9)
        }
        for wrong in [
            ["--to", method == "stop" ? "ijepa" : "stop"], ["--to", form, "--heads", "2"],
        ] {
            let refused = try Program.run(
                ["checkpoint", "export", "--weights", whole] + wrong + [folder.path("no")])
            #expect(
                refused.status == 64 && !FileManager.default.fileExists(atPath: folder.path("no")))
        }
        let own = try Program.run(
            ["pretrain", method, "--data", data, "--out", folder.path("\(method)-no")] + settings
                + ["--continue-from", whole])
        #expect(own.status == 64 && own.errors.contains("tessera resume"), "\(own.errors)")
        let next = folder.path("\(method)-next")
        let going = try Program.run(
            ["pretrain", method, "--data", data, "--out", next, "--continue-from", theirs]
                + settings + ["schedule.epochs=11", "run.saveEvery=99"], killAfter: .seconds(60))
        try #require(going.status == 0, "\(going.errors)")
        #expect(going.errors.contains("continuing after step 60"))
        // Only the number of epochs is another, which files of iBOT alone would keep.
        #expect(!going.errors.contains("makes it") && !going.errors.contains("makes them"))
        func first(_ run: String) throws -> SafeTensorsFile {
            let names = try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints")
                .filter { $0.hasPrefix("step-") }.sorted()
            return try SafeTensorsFile(path: run + "/checkpoints/" + #require(names.first))
        }
        let (before, after) = (
            try SafeTensorsFile(path: newest(whole)), try first(next)
        )
        #expect(after.metadata["step"] == "60")
        for name in before.names where name != "generator" {
            let pair = try [before, after].map { file in
                try file.tensor(name).withContiguousBytes { [UInt8]($0) }
            }
            #expect(pair[0] == pair[1], "\(name)")
        }
        let refused = try Program.run(
            ["pretrain", "mae", "--data", data, "--out", folder.path("\(method)-no")]
                + TinyPictures.settings + ["--continue-from", theirs])
        #expect(refused.status == 64 && refused.errors.contains("--continue-from"))

        // Who takes an older checkpoint in the place of a damaged one says so.
        let damaged = URL(fileURLWithPath: try newest(whole))
        var bytes = try Data(contentsOf: damaged)
        bytes[bytes.count - 3] ^= 1
        try bytes.write(to: damaged)
        let scored = try Program.run(
            ["evaluate", "knn", "--weights", whole, "--data", data, "protocol.neighbors=[3]"])
        #expect(scored.status == 0, "\(scored.errors)")
        #expect(scored.errors.contains("passing over a damaged checkpoint"), "\(scored.errors)")
        let named = try Program.run(
            ["evaluate", "knn", "--weights", damaged.path, "--data", data])
        #expect(named.status == 65 && named.errors.contains("checksum"), "\(named.errors)")
    }

    @Test(
        "neither threads of parts nor activation checkpointing change anything in any method",
        arguments: ["mae", "simmim-swin", "ijepa", "stop", "ibot", "ibot-swin"])
    func parallel(method: String) throws {
        let settings =
            (method == "mae"
                ? TinyPictures.settings : Self.settings(of: method, optim: "optim.lr=0.01"))
            + [
                "run.parallel=2", "run.precision=bfloat16", "schedule.epochs=3",
                "model.dropPath=0.2",
            ] + (method == "ibot-swin" ? ["method.centering=sinkhorn"] : [])
        let (one, two) = try (
            run(method, "one", settings + ["run.threads=1"]),
            run(
                method, "two",
                settings + ["run.threads=2", "run.activationCheckpointing=true"])
        )
        #expect(try lastCheckpoint(one) == lastCheckpoint(two))
    }

    /// Those of tiny pictures for a method, with its own.
    static func settings(of method: String, optim: String) -> [String] {
        TinyPictures.settings.filter {
            !$0.hasPrefix("method.") && (!method.hasSuffix("-swin") || !$0.hasPrefix("model."))
        } + [optim] + ownSettings(of: method)
    }

    private static func ownSettings(of method: String) -> [String] {
        let swin = [
            "model.imageSize=8", "model.patchSize=2", "model.channels=1", "model.width=8",
            "model.depths=[1, 2]", "model.heads=[1, 2]", "model.window=2",
        ]
        let distillation = [
            "method.localCrops=2", "method.localSize=4", "method.prototypes=32",
            "method.head.width=16", "method.head.bottleneck=8", "method.freezeLastLayer=2",
        ]
        return switch method {
        case "ibot": distillation
        case "ibot-swin":
            distillation + swin
        case "simmim": ["method.masks.unit=4", "schedule.lagged.milestones=[5]"]
        case "simmim-swin": swin + ["method.masks.unit=4", "schedule.lagged.milestones=[5]"]
        default:
            [
                "method.predictorWidth=8", "method.predictorDepth=1", "method.masks.minKeep=0",
                "method.masks.truncation=none",
            ]
        }
    }

    @Test(
        "what the authors' code has no place for is refused before anything is written",
        arguments: [
            ("ibot", "model.registers=2", "more than one token"),
            ("ijepa", "model.layerScale=0.1", "LayerScale"),
            ("ijepa", "method.predictorHeads=4", "method.predictorHeads=4, which"),
            ("ijepa", "optim.algorithm=lars", "optim.algorithm=lars, which"),
            ("ijepa", "model.masksPatches=true", "model.masksPatches=true, which"),
            ("stop", "method.covariance=free", "method.covariance=free, which"),
            ("stop", "method.covariance=identity", "method.covariance=identity, which"),
            ("stop", "method.noisyTokens=both", "method.noisyTokens=both, which"),
            ("stop", "method.addsMaskToken=true", "method.addsMaskToken=true, which"),
        ])
    func noPlace(method: String, setting: String, word: String) throws {
        let settings =
            Self.settings(of: method, optim: "optim.lr=0.01") + [
                setting, "schedule.epochs=1", "schedule.warmupEpochs=0",
            ]
        let run = try run(method, "no-place-\(setting)", settings)
        let file = folder.path("no-place.pth")
        let export = try Program.run(
            ["checkpoint", "export", "--weights", run, "--to", method, file])
        #expect(export.status != 0 && export.errors.contains(word), "\(export.errors)")
        #expect(!FileManager.default.fileExists(atPath: file))
        // The encoder alone can be had.
        let encoder = folder.path("no-place.safetensors")
        let plain = try Program.run(
            ["checkpoint", "export", "--weights", run, "--to", "safetensors", encoder])
        #expect(plain.status == 0, "\(plain.errors)")
    }

    @Test("a teacher that says nothing is named while the run goes on, with what to try")
    func warning() throws {
        let output = folder.path("two-prototypes")
        let settings =
            Self.settings(of: "ibot", optim: "optim.lr=0.01") + [
                "run.probeEvery=2", "run.logEvery=1", "method.prototypes=2",
            ]
        let result = try Program.run(
            ["pretrain", "ibot", "--data", data, "--out", output] + settings)
        try #require(result.status == 0, "\(result.errors)")
        for word in ["prototypes of pictures", "method.classTemperature.end"] {
            #expect(result.errors.contains(word), "\(result.errors)")
        }
    }

    @Test("settings given on resuming stay the run's; those that count its steps are refused")
    func changedSettings() throws {
        let out = folder.path("changed")
        let first = try Program.run(
            ["pretrain", "mae", "--data", data, "--out", out, "run.keep=99"]
                + TinyPictures.settings)
        try #require(first.status == 0, "\(first.errors)")
        func config() throws -> [String] {
            try String(contentsOfFile: out + "/config.yaml", encoding: .utf8)
                .components(separatedBy: "\n")
        }
        let before = try config()
        for setting in ["data.batchSize=12", "run.seed=7"] {
            let refused = try Program.run(["resume", out, setting])
            #expect(refused.status == 64, "\(refused.errors)")
            #expect(refused.errors.contains("as the run began"), "\(refused.errors)")
        }
        #expect(try config() == before)
        try rewind(out)
        let second = try Program.run(["resume", out, "optim.lr=1e-4", "optim.baseLr=0.5"])
        try #require(second.status == 0, "\(second.errors)")
        #expect(second.errors.contains("kept in config.yaml: optim.lr"), "\(second.errors)")
        let after = try config()
        #expect(after.filter { $0.hasPrefix("# tessera ") }.count == 2)
        #expect(after.contains { $0.contains("lr: 0.0001") })
        // Lines of other settings say where they came from, as before.
        let differing = Set(after).subtracting(before).filter { !$0.hasPrefix("#") }
        #expect(differing.count == 2, "\(differing)")
        // The next resumption needs no settings, and changes nothing.
        let changed = try lastCheckpoint(out)
        try rewind(out)
        let third = try Program.run(["resume", out])
        #expect(third.status == 0 && !third.errors.contains("from here on"), "\(third.errors)")
        #expect(try lastCheckpoint(out) == changed)
        #expect(try config() == after)
    }

    @Test("SIGTERM saves, says how to go on and ends with 75")
    func terminate() throws {
        let out = folder.path("terminated")
        let result = try Program.run(
            ["pretrain", "mae", "--data", data, "--out", out] + TinyPictures.settings
                + ["schedule.epochs=2000"],
            killAfter: .seconds(2), signal: SIGTERM)
        #expect(result.status == 75)
        #expect(result.errors.contains("tessera resume"))
        #expect(try !lastCheckpoint(out).isEmpty)
    }
}

/// A repeatable sequence.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
