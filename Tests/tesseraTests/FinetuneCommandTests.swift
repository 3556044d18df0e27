import Foundation
import Testing

@Suite("tessera finetune", .serialized) struct FinetuneCommandTests {
    private let folder: TemporaryFolder
    private let pictures: TemporaryFolder
    private let data: String

    /// A short MAE run and its pictures.
    init() throws {
        folder = try TemporaryFolder()
        pictures = try TemporaryFolder()
        data = try TinyPictures.write(to: pictures)
    }

    private let settings = [
        "data.batchSize=16", "data.augment=[{centerCrop: {size: 8}}]", "schedule.epochs=4",
        "schedule.warmupEpochs=1", "run.logEvery=3", "run.saveEvery=0.5", "run.device=cpu",
        "optim.lr=3e-3", "run.precision=float32",
    ]

    private func pretrain() throws -> String {
        let out = folder.path("mae")
        let result = try Program.run(
            ["pretrain", "mae", "--data", data, "--out", out] + TinyPictures.settings
                + ["schedule.epochs=1", "data.mean=[0.3]", "data.std=[0.2]"])
        try #require(result.status == 0, "\(result.errors)")
        return out
    }

    private func finetune(
        _ weights: String, _ name: String, _ more: [String] = []
    ) throws -> Program.Result {
        try Program.run(
            ["finetune", "--weights", weights, "--data", data, "--out", folder.path(name)]
                + settings + more)
    }

    private func objects(_ text: String) throws -> [[String: Any]] {
        try text.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    private func scores(_ run: String) throws -> [[String: Any]] {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.path(run + "/scores.json")))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    }

    private func lastCheckpoint(_ run: String) throws -> Data {
        let path = folder.path(run + "/checkpoints")
        let names = try FileManager.default.contentsOfDirectory(atPath: path)
        let last = try #require(names.filter { $0.hasPrefix("step-") }.max())
        return try Data(contentsOf: URL(fileURLWithPath: path + "/" + last))
    }

    @Test("from a run of ours: shape and pixels are its own, scores are those of validate")
    func wholeWay() throws {
        let result = try finetune(try pretrain(), "run", ["method.average.decay=0.9"])
        try #require(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("fine-tuned, average"))
        let config = try String(contentsOfFile: folder.path("run/config.yaml"), encoding: .utf8)
        for line in ["width: 16", "patchSize: 2", "heads: 2", "classes: 4", "pooling: mean"] {
            #expect(config.contains(line), "\(line)")
        }
        #expect(config.contains("mean: [0.3]") && config.contains("std: [0.2]"))
        let scores = try scores("run")
        #expect(scores.count == 8 && scores.allSatisfy { $0["protocol"] as? String == "finetune" })
        func score(_ weights: String, _ checkpoint: String) throws -> Double {
            let found = scores.first { score in
                let card = score["settings"] as? [String: Any]
                return card?["weights"] as? String == weights
                    && card?["checkpoint"] as? String == checkpoint
                    && score["metric"] as? String == "top1"
            }
            return try #require(found?["value"] as? Double)
        }
        let card = try #require(scores[0]["settings"] as? [String: Any])
        #expect(card["method.layerDecay"] as? Double == 0.65)
        #expect(card["schedule.epochs"] as? Double == 4 && card["epoch"] as? Double == 4)
        #expect((card["data.augment"] as? String)?.contains("centerCrop") == true)
        #expect(card["model.width"] as? Double == 16 && card["data.workers"] == nil)
        // The run, and its best weights, as `validate` scores them: the average goes first.
        for (path, expected) in [
            ("run", try score("average", "last")),
            ("run/checkpoints/best.safetensors", try score("average", "best")),
        ] {
            let validated = try Program.run([
                "evaluate", "validate", "--weights", folder.path(path), "--data", data, "--json",
            ])
            try #require(validated.status == 0, "\(validated.errors)")
            let object = try #require(try objects(validated.output).first)
            let top1 = try #require(object["top1"] as? Double)
            #expect(abs(top1 - expected) < 1e-3, "\(path)")
            #expect(object["crop_pct"] as? Double == 1 && object["img_size"] as? Int == 8)
        }
        let report = try String(contentsOfFile: folder.path("run/report.html"), encoding: .utf8)
        #expect(report.contains("Accuracy on test pictures") && report.contains("Fine-tuned"))
        // The encoder of a fine-tuned run is evaluated and fine-tuned like any other.
        let knn = try Program.run([
            "evaluate", "knn", "--weights", folder.path("run"), "--data", data, "--json",
            "protocol.neighbors=[5]",
        ])
        #expect(knn.status == 0, "\(knn.errors)")
        let again = try finetune(folder.path("run"), "again", ["schedule.epochs=1"])
        #expect(again.status == 0, "\(again.errors)")
    }

    @Test("killed and resumed it ends to the bit, with the same scores")
    func resume() throws {
        let weights = try pretrain()
        let more = ["method.average.decay=0.9", "model.dropPath=0.2", "schedule.epochs=8"]
        let whole = try finetune(weights, "whole", more)
        try #require(whole.status == 0, "\(whole.errors)")
        let arguments =
            ["finetune", "--weights", weights, "--data", data, "--out", folder.path("killed")]
            + settings + more
        for milliseconds in [900, 1100, 1300] {
            let exists = FileManager.default.fileExists(atPath: folder.path("killed/config.yaml"))
            _ = try Program.run(
                exists ? ["resume", folder.path("killed")] : arguments,
                killAfter: .milliseconds(milliseconds))
        }
        let exists = FileManager.default.fileExists(atPath: folder.path("killed/config.yaml"))
        let end = try Program.run(exists ? ["resume", folder.path("killed")] : arguments)
        try #require(end.status == 0, "\(end.errors)")
        #expect(try lastCheckpoint("killed") == lastCheckpoint("whole"))
        func values(_ run: String) throws -> [Double] {
            try scores(run).compactMap { $0["value"] as? Double }
        }
        #expect(try values("killed") == values("whole"))
        // A finished run has nothing left to do, and is not scored a second time.
        let finished = try Program.run(["resume", folder.path("whole")])
        #expect(finished.status == 0)
        #expect(try values("killed") == values("whole"))
    }

    @Test("classes with other numbers end a resumed run, whatever it is told; so do more of them")
    func otherClasses() throws {
        let weights = try pretrain()
        let result = try finetune(weights, "run", ["schedule.epochs=1"])
        try #require(result.status == 0, "\(result.errors)")
        let classes = folder.path("run/classes.txt")
        let names = try String(contentsOfFile: classes, encoding: .utf8)
        #expect(names.split(separator: "\n").count == 4)
        // As if the pictures had had a class before all others when the run began.
        try Data(("aardvark\n" + names).utf8).write(to: URL(fileURLWithPath: classes))
        let resumed = try Program.run([
            "resume", folder.path("run"), "--allow-data-change", "schedule.epochs=2",
        ])
        #expect(resumed.status == 64, "\(resumed.errors)")
        #expect(resumed.errors.contains("'aardvark' is gone"), "\(resumed.errors)")
    }

    @Test("validate takes the average that stands beside the weights, and no other classes")
    func validated() throws {
        let weights = try pretrain()
        let more = ["method.average.decay=0", "method.average.leads=false", "schedule.epochs=1"]
        let result = try finetune(weights, "run", more)
        try #require(result.status == 0, "\(result.errors)")
        func validate(_ run: String, _ more: [String] = []) throws -> Program.Result {
            try Program.run(
                ["evaluate", "validate", "--weights", folder.path(run), "--data", data, "--json"]
                    + more)
        }
        func loss(_ more: [String]) throws -> Double {
            let result = try validate("run", more)
            try #require(result.status == 0, "\(result.errors)")
            return try #require(try objects(result.output).first?["loss"] as? Double)
        }
        // An average that keeps nothing is the weights themselves.
        #expect(try loss(["--use-ema"]) == loss([]))
        let slow = try finetune(
            weights, "slow", ["method.average.leads=false", "schedule.epochs=1"])
        try #require(slow.status == 0, "\(slow.errors)")
        let plain = try finetune(weights, "plain", ["schedule.epochs=1"])
        try #require(plain.status == 0, "\(plain.errors)")
        #expect(try validate("slow", ["--use-ema"]).output != validate("slow").output)
        let none = try validate("plain", ["--use-ema"])
        #expect(none.status == 64 && none.errors.contains("method.average"), "\(none.errors)")

        let classes = folder.path("run/classes.txt")
        let names = try String(contentsOfFile: classes, encoding: .utf8)
        try Data(("aardvark\n" + names).utf8).write(to: URL(fileURLWithPath: classes))
        let refused = try validate("run")
        #expect(refused.status == 64, "\(refused.errors)")
        #expect(refused.errors.contains("training alone: aardvark"), "\(refused.errors)")
    }

    @Test("a longer run on resuming replaces its scores")
    func longer() throws {
        let weights = try pretrain()
        let result = try finetune(weights, "run", ["schedule.epochs=1"])
        try #require(result.status == 0, "\(result.errors)")
        let resumed = try Program.run(["resume", folder.path("run"), "schedule.epochs=2"])
        try #require(resumed.status == 0, "\(resumed.errors)")
        let epochs = try scores("run").compactMap { score -> Double? in
            let card = score["settings"] as? [String: Any]
            return card?["checkpoint"] as? String == "last" ? card?["epoch"] as? Double : nil
        }
        #expect(epochs == [2, 2])
    }

    @Test("random weights in place of the pre-trained ones, as a control")
    func scratch() throws {
        let weights = try pretrain()
        let result = try finetune(weights, "scratch", ["method.weights=null"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(try scores("scratch").count == 4)
    }

    @Test("what cannot be fine-tuned is said before any work")
    func refusals() throws {
        let weights = try pretrain()
        func refuse(_ result: Program.Result, _ message: String, status: Int32 = 64) {
            #expect(result.status == status, "\(result.errors)")
            #expect(result.errors.contains(message), "\(result.errors)")
        }
        refuse(
            try Program.run([
                "pretrain", "finetune", "--data", data, "--out", folder.path("a"),
            ]), "start it with `tessera finetune`")
        let swin = folder.path("swin.yaml")
        try Data("run: {method: finetune-swin}".utf8).write(to: URL(fileURLWithPath: swin))
        refuse(try finetune(weights, "b", [swin]), "is a recipe of finetune-swin, the encoder in")
        refuse(try finetune(weights, "c", ["data.batchSize=15"]), "expected an even number")
        refuse(try finetune(weights, "d", ["method.classes=2"]), "at least 4, the classes")
        refuse(
            try finetune(weights, "e", ["method.projection.layer=1"]),
            "has no projection head")
        refuse(
            try finetune(weights, "f", ["model.width=32"]), "not all of the encoder can be loaded",
            status: 65)
        for name in ["a", "b", "c", "d", "e", "f"] {
            #expect(!FileManager.default.fileExists(atPath: folder.path(name)), "\(name)")
        }
        let validated = try Program.run([
            "evaluate", "validate", "--weights", weights, "--data", data,
        ])
        refuse(validated, "without a classifier: fine-tune it with")
    }
}
