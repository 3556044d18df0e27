import Foundation
import Testing

/// One pass over the pictures for many protocols, on a tiny run of iBOT.
@Suite("evaluate all, sweep and clustering") struct EvaluateAllTests {
    private let folder: TemporaryFolder
    private let data: String
    private let run: String

    init() throws {
        folder = try TemporaryFolder()
        data = try TinyPictures.write(to: folder)
        run = folder.path("run")
        let trained = try Program.run(
            [
                "pretrain", "ibot", "--data", data, "--out", run, "model.imageSize=8",
                "model.patchSize=2", "model.channels=1", "model.width=16", "model.depth=2",
                "model.heads=2", "data.batchSize=16", "schedule.epochs=1",
                "schedule.warmupEpochs=0", "run.device=cpu", "run.probeEvery=1",
                // So many prototypes on a circle that pictures have different ones from the start.
                "method.prototypes=512", "method.head.width=16", "method.head.bottleneck=2",
                "method.localCrops=0",
            ])
        try #require(trained.status == 0, "\(trained.errors)")
    }

    private func evaluate(_ words: String...) throws -> Program.Result {
        try Program.run(
            ["evaluate", words[0], "--weights", run, "--data", data] + words.dropFirst())
    }

    private struct Line: Decodable {
        struct Interval: Decodable {
            let low: Double
            let high: Double
        }
        let `protocol`: String?
        let metric: String?
        let value: Double?
        let interval: Interval?
        let settings: [String: Setting]?
        let report: String?

        enum Setting: Decodable, Equatable {
            case text(String)
            case other

            init(from decoder: any Decoder) throws {
                self =
                    (try? decoder.singleValueContainer().decode(String.self)).map(Self.text)
                    ?? .other
            }
        }
    }

    @Test("all protocols from one pass, each accuracy with an interval and its card, and a report")
    func all() throws {
        let words = ["sweep.epochs=3", "knn.neighbors=[5, 500]", "sweep.learningRates=[0.1, 1]"]
        let result = try evaluate("all", "--json", words[0], words[1], words[2])
        try #require(result.status == 0, "\(result.errors)")
        let lines = try result.output.split(separator: "\n").map {
            try JSONDecoder().decode(Line.self, from: Data($0.utf8))
        }
        let scores = lines.filter { $0.protocol != nil }
        func count(_ name: String, _ metric: String) -> Int {
            scores.count { $0.protocol == name && $0.metric == metric }
        }
        // By class token and mean; three λ; k-means and prototypes.
        #expect(count("knn", "top1") == 2 && count("logistic", "top1") == 3)
        #expect(count("sweep", "top1") == 1 && count("sweep", "top5") == 1)
        #expect(count("clustering", "acc") == 2 && count("clustering", "nmi") == 2)
        for score in scores {
            let isAccuracy = ["top1", "top5", "acc"].contains(score.metric ?? "")
            #expect((score.interval != nil) == isAccuracy)
            if let interval = score.interval, let value = score.value {
                #expect(interval.low <= value && value <= interval.high)
            }
            for key in [
                "imageSize", "resize", "crops", "interpolation", "mean", "std", "tokens",
                "blocks", "finalNorm", "seed", "weights", "checksum", "data",
            ] { #expect(score.settings?[key] != nil, "\(score.protocol ?? "") lacks \(key)") }
        }
        for key in ["optimizer", "learningRates", "epochs", "batch", "learningRate", "epoch"] {
            #expect(scores.last?.settings?[key] != nil, "\(key)")
        }
        let page = try String(contentsOfFile: run + "/evaluation.html", encoding: .utf8)
        #expect(lines.last?.report?.hasSuffix("evaluation.html") == true)
        for word in ["Nearest neighbours", "Linear classifiers", "Fowlkes-Mallows", " – "] {
            #expect(page.contains(word), "\(word)")
        }
        let kept = try String(contentsOfFile: run + "/scores.json", encoding: .utf8)
        #expect(kept.contains("\"interval\"") && kept.contains("\"clusteredBy\""))

        let printed = try evaluate("all", words[0], words[1], words[2])
        #expect(printed.status == 0, "\(printed.errors)")
        for word in ["checksum", "k = 5", "best of 2 linear", "prototypes, ACC", "k-means, NMI"] {
            #expect(printed.output.contains(word), "\(word)\n\(printed.output)")
        }
        #expect(printed.errors.contains("k = 500 left out"), "\(printed.errors)")
    }

    @Test("protocols alone give the scores that they give together")
    func alone() throws {
        let together = try evaluate(
            "all", "sweep.epochs=2", "knn.neighbors=[5]", "sweep.learningRates=[0.1, 1]")
        let knn = try evaluate("knn", "protocol.neighbors=[5]")
        let sweep = try evaluate(
            "sweep", "features.blocks=2", "protocol.epochs=2", "protocol.learningRates=[0.1, 1]")
        let clusters = try evaluate("clustering")
        for result in [together, knn, sweep, clusters] {
            try #require(result.status == 0, "\(result.errors)")
        }
        for (result, title) in [
            (knn, "k-NN, k = 5"), (sweep, "best of 2 linear"), (clusters, "prototypes, ACC"),
            (clusters, "k-means, NMI"),
        ] { #expect(result.output.contains(title), "\(title)\n\(result.output)") }
        for line in [knn, sweep, clusters].flatMap({ $0.output.split(separator: "\n") }) {
            #expect(together.output.contains(line), "\(line)\n\(together.output)")
        }
    }

    @Test("probes log what a run's prototypes know of the classes, as the evaluation says it")
    func loggedAgreement() throws {
        let log = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
        let probe = try #require(log.split(separator: "\n").last { $0.contains("knn_top1") })
        let logged = try JSONDecoder().decode(Agreement.self, from: Data(probe.utf8))
        // A probe looks at the pictures of the run, an evaluation at test pictures.
        let seen = try TemporaryFolder()
        for kind in ["images-idx3-ubyte", "labels-idx1-ubyte"] {
            for part in ["train", "t10k"] {
                try FileManager.default.copyItem(
                    atPath: "\(data)/train-\(kind)", toPath: seen.path("\(part)-\(kind)"))
            }
        }
        let result = try Program.run(
            ["evaluate", "clustering", "--weights", run, "--data", seen.url.path, "--json"])
        try #require(result.status == 0, "\(result.errors)")
        let scores = try result.output.split(separator: "\n").map {
            try JSONDecoder().decode(Line.self, from: Data($0.utf8))
        }.filter { $0.settings?["clusteredBy"] == .text("head") }
        for (metric, value) in [("nmi", logged.nmi), ("ari", logged.ari), ("fmi", logged.fmi)] {
            let score = try #require(scores.first { $0.metric == metric }?.value)
            #expect(abs(100 * value - score) < 1e-9, "\(metric): \(value), \(score)")
        }
        #expect(logged.nmi > 0 && logged.nmi < 1)
    }

    private struct Agreement: Decodable {
        let nmi: Double
        let ari: Double
        let fmi: Double
    }

    @Test("random crops of a sweep may be bilinear; settings that would be ignored are refused")
    func crops() throws {
        let words = ["pictures.crops=random", "protocol.epochs=1", "protocol.learningRates=[0.1]"]
        let bilinear = try evaluate(
            "sweep", words[0], words[1], words[2], "pictures.cropInterpolation=bilinear")
        #expect(bilinear.status == 0, "\(bilinear.errors)")
        let kept = try String(contentsOfFile: run + "/scores.json", encoding: .utf8)
        #expect(kept.contains("crops bilinear"))
        let center = try evaluate("sweep", words[1], "pictures.cropInterpolation=bilinear")
        #expect(center.status == 64 && center.errors.contains("pictures.cropInterpolation"))
        #expect(center.errors.contains("pictures.interpolation"), "\(center.errors)")
        let all = try evaluate("all", words[0])
        #expect(all.status == 64 && all.errors.contains("evaluate sweep"), "\(all.errors)")
        let tokens = try evaluate("all", "tokens=all")
        #expect(tokens.status == 64 && tokens.errors.contains("one vector"), "\(tokens.errors)")
    }

    @Test("the head in a file of iBOT's own form clusters as the run's does")
    func foreign() throws {
        let file = folder.path("ibot.pth")
        let exported = try Program.run(
            ["checkpoint", "export", "--weights", run, "--to", "ibot", file])
        try #require(exported.status == 0, "\(exported.errors)")
        let ours = try evaluate("clustering")
        let theirs = try Program.run(
            ["evaluate", "clustering", "--weights", file, "--heads", "2", "--data", data])
        try #require(theirs.status == 0, "\(theirs.errors)")
        #expect(ours.output.contains("prototypes, ACC") && ours.output == theirs.output)
    }

    @Test(
        "weights without a head are clustered by k-means alone; fewer than 100 pictures are enough")
    func withoutHead() throws {
        let other = folder.path("mae")
        let trained = try Program.run(
            ["pretrain", "mae", "--data", data, "--out", other] + TinyPictures.settings
                + ["schedule.epochs=1", "schedule.warmupEpochs=0"])
        try #require(trained.status == 0, "\(trained.errors)")
        let result = try Program.run(
            ["evaluate", "clustering", "--weights", other, "--data", data])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("k-means, ACC") && !result.output.contains("prototypes"))
    }
}
