import Foundation
import TensorFiles
import Testing

/// How `evaluate` shows pictures to an encoder, and keeps what it made of them.
@Suite("Features of an evaluation") struct EvaluationPicturesTests {
    private let folder: TemporaryFolder
    private let data: String
    private let run: String

    init() throws {
        folder = try TemporaryFolder()
        data = try TinyPictures.write(to: folder)
        run = folder.path("run")
        let trained = try Program.run(
            ["pretrain", "mae", "--data", data, "--out", run]
                + TinyPictures.settings + ["schedule.epochs=1", "schedule.warmupEpochs=0"])
        try #require(trained.status == 0, "\(trained.errors)")
    }

    private func evaluate(_ words: String...) throws -> Program.Result {
        try Program.run(
            ["evaluate", words[0], "--weights", run, "--data", data] + words.dropFirst())
    }

    /// The first score that was printed.
    private func score(_ result: Program.Result) throws -> String {
        try #require(result.status == 0, "\(result.errors)")
        return try #require(result.output.split(separator: "\n").last.map(String.init))
    }

    @Test("kept features give the same score, and are not those of other settings")
    func cache() throws {
        let cache = folder.path("cache")
        let words = ["--cache", cache, "protocol.neighbors=[3]"]
        let first = try evaluate("knn", words[0], words[1], words[2])
        let again = try evaluate("knn", words[0], words[1], words[2])
        #expect(try score(first) == score(again))
        #expect(!first.errors.contains("from \(cache)"))
        #expect(again.errors.contains("features of train: from \(cache)"), "\(again.errors)")
        #expect(again.errors.contains("features of validation: from \(cache)"))
        let other = try evaluate("knn", words[0], words[1], words[2], "features.tokens=mean")
        #expect(!other.errors.contains("from \(cache)"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache).count == 4)
    }

    @Test("pictures are resized as wanted: other features, a file of their own, on the card")
    func interpolation() throws {
        let cache = folder.path("cache")
        func found(_ settings: String...) throws -> Program.Result {
            let result = try Program.run(
                [
                    "evaluate", "logistic", "--weights", run, "--data", data, "--cache", cache,
                    "features.tokens=mean", "pictures.resize=12",
                ] + settings)
            try #require(result.status == 0, "\(result.errors)")
            return result
        }
        let (usual, bicubic) = (try found(), try found("pictures.interpolation=bicubic"))
        #expect(!usual.errors.contains("from \(cache)"))
        #expect(!bicubic.errors.contains("from \(cache)"), "\(bicubic.errors)")
        // The default, named, is the default; and each finds its own again.
        for setting in ["pictures.interpolation=bicubic", "pictures.interpolation=bilinear"] {
            let again = try found(setting)
            #expect(again.errors.contains("features of train: from \(cache)"), "\(again.errors)")
            #expect(again.errors.contains("features of validation: from \(cache)"))
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: cache)
            .map { try SafeTensorsFile(path: "\(cache)/\($0)") }
        let identities = files.compactMap { $0.metadata["tessera.features"] }
        #expect(identities.count == 4)
        #expect(identities.count { $0.contains("resized by bilinear") } == 2)
        #expect(!identities.contains { $0.contains("resized by bicubic") })
        #expect(try Set(files.map { try $0.tensor("features").doubles() }).count == 4)
        let random = try evaluate(
            "linear", "pictures.crops=random", "pictures.interpolation=bilinear",
            "protocol.epochs=1", "protocol.batch=96", "protocol.warmupEpochs=0")
        #expect(random.status == 0, "\(random.errors)")
        #expect(try cards() == ["bicubic", "bilinear", "bilinear; crops bicubic"])
    }

    @Test("logistic regression sees the pictures of StoP's, or of iBOT's, others a margin less")
    func published() throws {
        let large = folder.path("large")
        let trained = try Program.run(
            ["pretrain", "mae", "--data", data, "--out", large] + TinyPictures.settings + [
                "schedule.epochs=1", "schedule.warmupEpochs=0", "model.imageSize=64",
                "model.patchSize=16",
            ])
        try #require(trained.status == 0, "\(trained.errors)")
        /// What the card of a protocol says.
        func shown(_ words: String...) throws -> String {
            let result = try Program.run(
                ["evaluate", words[0], "--weights", large, "--data", data, "--json"]
                    + words.dropFirst())
            try #require(result.status == 0, "\(result.errors)")
            let line = try #require(result.output.split(separator: "\n").first)
            let score = try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let card = try #require(score["settings"] as? [String: Any])
            return "\(card["resize"] as? Int ?? 0) \(card["interpolation"] as? String ?? "")"
        }
        let atUnitLength = "protocol.preparation=normalized"
        #expect(try shown("logistic") == "64 bilinear")
        #expect(try shown("logistic", "pictures.resize=80") == "80 bilinear")
        #expect(try shown("logistic", "pictures.interpolation=bicubic") == "64 bicubic")
        #expect(try shown("logistic", atUnitLength) == "73 bicubic")
        #expect(try shown("logistic", atUnitLength, "pictures.margin=false") == "64 bicubic")
        #expect(try shown("knn", "protocol.neighbors=[3]") == "73 bicubic")
        #expect(
            try shown("knn", "protocol.neighbors=[3]", "pictures.margin=false") == "64 bicubic")
    }

    @Test("the help of a protocol has the settings that it runs with")
    func help() throws {
        for (name, lines) in [
            ("pooled", ["tokens: mean", "blocks: 4"]), ("readout", ["tokens: all", "blocks: 1"]),
            ("logistic", ["margin: false", "interpolation: bilinear", "tokens: cls"]),
            ("linear", ["cropForm: clamped"]), ("readout", ["cropForm: clamped"]),
            ("sweep", ["cropForm: torchvision"]), ("pooled", ["cropForm: torchvision"]),
            ("knn", ["margin: true", "interpolation: bicubic", "tokens: cls"]),
        ] {
            let help = try Program.run(["evaluate", name, "--help"]).output
            for line in lines { #expect(help.contains(line), "\(name): \(line)\n\(help)") }
        }
    }

    /// The interpolations that the scores of the run name.
    private func cards() throws -> Set<String> {
        let data = try Data(contentsOf: URL(fileURLWithPath: run + "/scores.json"))
        let scores = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
        return Set(
            scores.compactMap { ($0["settings"] as? [String: Any])?["interpolation"] as? String })
    }

    @Test("kept features that were cut short are refused by name")
    func damaged() throws {
        let cache = folder.path("cache")
        _ = try score(evaluate("knn", "--cache", cache, "protocol.neighbors=[3]"))
        for name in try FileManager.default.contentsOfDirectory(atPath: cache) {
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: "\(cache)/\(name)"))
            try file.truncate(atOffset: file.seekToEnd() - 8)
        }
        let result = try evaluate("knn", "--cache", cache, "protocol.neighbors=[3]")
        #expect(result.status != 0)
        #expect(result.errors.contains(cache + "/features-"), "\(result.errors)")
    }

    @Test("probes are trained on crops drawn anew, with steps larger than a batch of the encoder")
    func randomCrops() throws {
        let words = ["protocol.epochs=3", "protocol.batch=90", "protocol.warmupEpochs=0"]
        let fixed = try evaluate("linear", words[0], words[1], words[2])
        let random = try evaluate("linear", "pictures.crops=random", words[0], words[1], words[2])
        let again = try evaluate("linear", "pictures.crops=random", words[0], words[1], words[2])
        #expect(try score(random) == score(again))
        #expect(try score(fixed).contains("%"))
        #expect(random.errors.contains("epoch 3: 96/96 crops"), "\(random.errors)")
        let scores = try String(contentsOfFile: run + "/scores.json", encoding: .utf8)
        #expect(scores.contains("\"random\"") && scores.contains("\"center\""))
    }

    @Test("branches are dropped while crops are looked at where wanted, the same in every run")
    func dropPath() throws {
        let words = ["pictures.crops=random", "protocol.epochs=2", "protocol.warmupEpochs=0"]
        func found(_ rate: String) throws -> String {
            let result = try evaluate(
                "linear", words[0], words[1], words[2], "protocol.batch=96",
                "features.dropPath=\(rate)", "--json")
            try #require(result.status == 0, "\(result.errors)")
            return result.output
        }
        let (dropped, again, whole) = (try found("0.9"), try found("0.9"), try found("0"))
        func value(_ output: String) throws -> [String] {
            output.matches(of: /"value":[0-9.]+/).map { String($0.output) }
        }
        #expect(try value(dropped) == value(again) && !value(dropped).isEmpty)
        #expect(try value(dropped) != value(whole))
        for name in ["linear", "knn"] {
            let center = try evaluate(name, "features.dropPath=0.1")
            #expect(center.status == 64 && center.errors.contains("features.dropPath"))
        }
    }

    @Test("a probe that is killed goes on with the same command")
    func resumed() throws {
        let cache = folder.path("cache")
        // More epochs than there is time for.
        let command = [
            "evaluate", "linear", "--weights", run, "--data", data, "--cache", cache,
            "pictures.crops=random", "protocol.epochs=1000000", "protocol.batch=96",
        ]
        func kept() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: cache)
                .filter { $0.hasPrefix("probe-") }
        }
        let first = try Program.run(command, killAfter: .seconds(8))
        try #require(try first.wasKilled && kept().count == 1, "\(first.errors)")
        #expect(!first.errors.contains("going on"))
        let second = try Program.run(command, killAfter: .seconds(8))
        try #require(try second.wasKilled && kept().count == 1, "\(second.errors)")
        #expect(second.errors.contains("going on after epoch"), "\(second.errors)")
        // Another learning rate is another probe.
        let other = try Program.run(
            command + ["protocol.baseLearningRate=0.2"], killAfter: .seconds(8))
        #expect(!other.errors.contains("going on") && !other.errors.contains("rror"))
    }

    @Test(
        "a protocol of one feature a picture refuses random crops; a size below the encoder's is refused"
    )
    func refused() throws {
        let crops = try evaluate("knn", "pictures.crops=random")
        #expect(crops.status == 64 && crops.errors.contains("linear, sweep"), "\(crops.errors)")
        let size = try evaluate("knn", "pictures.resize=4")
        #expect(size.status != 0 && size.errors.contains("pictures.resize"), "\(size.errors)")
    }

    @Test("read-outs are trained at once, of kept tokens of a block, and named in the scores")
    func readOuts() throws {
        let result = try evaluate(
            "readout", "features.leftOut=1", "protocol.readOuts=[cls, mean, abmilp, ep]",
            "protocol.epochs=2", "protocol.warmupEpochs=0", "protocol.rateFactors=[1, 10]",
            "--cache", folder.path("cache"))
        try #require(result.status == 0, "\(result.errors)")
        for name in ["read-out cls", "read-out mean", "read-out abmilp", "read-out ep"] {
            #expect(result.output.contains(name), "\(result.output)")
        }
        let wrong = try evaluate("readout", "features.tokens=mean")
        #expect(wrong.status == 64 && wrong.errors.contains("features.leftOut"), "\(wrong.errors)")
    }
}
