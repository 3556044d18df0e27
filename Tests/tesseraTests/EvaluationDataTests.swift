import FaultCorpus
import Foundation
import Testing

/// What `evaluate` says of its pictures before it scores anything.
@Suite("Pictures of an evaluation") struct EvaluationDataTests {
    private let folder: TemporaryFolder
    private let run: String
    private let good: [String]

    init() throws {
        folder = try TemporaryFolder()
        let tiny = try TemporaryFolder()
        run = folder.path("run")
        let trained = try Program.run(
            ["pretrain", "mae", "--data", try TinyPictures.write(to: tiny), "--out", run]
                + TinyPictures.settings + ["schedule.epochs=1", "schedule.warmupEpochs=0"])
        try #require(trained.status == 0, "\(trained.errors)")
        _ = try FaultCorpus(folder.path("corpus"), good: 12)
        let pictures = folder.path("corpus/good")
        good = try FileManager.default.subpathsOfDirectory(atPath: pictures).sorted()
            .map { "\(pictures)/\($0)" }
            .filter { $0.hasSuffix(".jpg") || $0.hasSuffix(".png") }
        try #require(good.count >= 12)
    }

    /// Folders of a class each, with four pictures.
    private func data(_ name: String, train: [String], validation: [String]) throws -> String {
        for (part, classes) in [("train", train), ("val", validation)] {
            for (number, label) in classes.enumerated() {
                let path = folder.path("\(name)/\(part)/\(label)")
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true)
                for index in 0..<4 {
                    let picture = good[(number * 4 + index) % good.count]
                    try FileManager.default.copyItem(
                        atPath: picture,
                        toPath: "\(path)/\(index).\(picture.suffix(3))")
                }
            }
        }
        return folder.path(name)
    }

    private func evaluate(_ data: String, json: Bool = false) throws -> Program.Result {
        try Program.run(
            ["evaluate", "knn", "--weights", run, "--data", data, "protocol.neighbors=[3]"]
                + (json ? ["--json"] : []))
    }

    @Test("parts whose class numbers mean different things are refused, with the names")
    func disagreement() throws {
        let data = try data("a", train: ["cat", "dog", "elk"], validation: ["bee", "cat", "dog"])
        let result = try evaluate(data)
        #expect(result.status == 64, "\(result.errors)")
        for word in ["differ", "training alone: elk", "test alone: bee", "same class folders"] {
            #expect(result.errors.contains(word), "\(result.errors)")
        }
    }

    @Test("features that the encoder does not have are refused by the setting's name")
    func features() throws {
        let data = try data("f", train: ["cat", "dog"], validation: ["cat", "dog"])
        for (words, text) in [
            (["pooled"], "features.blocks is 4, expected at most 2, the encoder's number of"),
            (["knn", "features.leftOut=2"], "features.leftOut is 2, expected at most 1"),
            (["all", "blocks=3"], "tessera: blocks is 3, expected at most 2"),
        ] {
            let result = try Program.run(
                ["evaluate", words[0], "--weights", run, "--data", data] + words.dropFirst())
            #expect(result.status == 64 && result.errors.contains(text), "\(result.errors)")
        }
        let many = try Program.run(["evaluate", "knn", "--weights", run, "--data", data])
        #expect(many.status == 65, "\(many.errors)")
        #expect(many.errors.contains("lower protocol.neighbors"), "\(many.errors)")
    }

    @Test("fine-tuning refuses test classes that its classifier does not have, before any work")
    func moreClasses() throws {
        let data = try data("e", train: ["cat", "dog"], validation: ["cat", "dog", "elk"])
        let out = folder.path("tuned")
        let result = try Program.run([
            "finetune", "--weights", run, "--data", data, "--out", out, "data.batchSize=4",
        ])
        #expect(result.status == 64, "\(result.errors)")
        for word in ["3 classes, the classifier 2", "method.classes=3"] {
            #expect(result.errors.contains(word), "\(result.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: out))
    }

    @Test("pictures that cannot be read are left out and said, and such features are not kept")
    func unread() throws {
        let data = try data("c", train: ["cat", "dog"], validation: ["cat", "dog"])
        let broken = data + "/val/dog/0.\(good[4].suffix(3))"
        let whole = try Data(contentsOf: URL(fileURLWithPath: broken))
        try Data("no picture".utf8).write(to: URL(fileURLWithPath: broken))
        let cache = folder.path("cache")
        func evaluate() throws -> Program.Result {
            try Program.run([
                "evaluate", "knn", "--weights", run, "--data", data, "--cache", cache,
                "protocol.neighbors=[3]",
            ])
        }
        let first = try evaluate()
        #expect(first.status == 0, "\(first.errors)")
        #expect(
            first.errors.contains("validation: 1 of 8 pictures cannot be read and do not count")
                && first.errors.contains("val/dog/0"), "\(first.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache).count == 1)
        try whole.write(to: URL(fileURLWithPath: broken))
        let second = try evaluate()
        #expect(second.status == 0 && !second.errors.contains("cannot be read"))
        #expect(second.errors.contains("features of train: from"), "\(second.errors)")
    }

    @Test("kept features are not taken for pictures of the same names that hold something else")
    func otherContents() throws {
        let cache = folder.path("cache")
        let data = try data("d", train: ["cat", "dog"], validation: ["cat", "dog"])
        func evaluate() throws -> String {
            let result = try Program.run([
                "evaluate", "knn", "--weights", run, "--data", data, "--cache", cache,
                "protocol.neighbors=[3]",
            ])
            #expect(result.status == 0, "\(result.errors)")
            return result.errors
        }
        _ = try evaluate()
        #expect(try evaluate().contains("features of train: from"))
        let (one, other) = (data + "/train/cat/0", data + "/train/cat/1")
        let (first, second) = (one + ".\(good[0].suffix(3))", other + ".\(good[1].suffix(3))")
        let kept = try Data(contentsOf: URL(fileURLWithPath: first))
        try Data(contentsOf: URL(fileURLWithPath: second)).write(to: URL(fileURLWithPath: first))
        let errors = try evaluate()
        #expect(!errors.contains("features of train: from"), "\(errors)")
        #expect(errors.contains("features of validation: from"))
        try kept.write(to: URL(fileURLWithPath: first))
        #expect(try evaluate().contains("features of train: from"))
    }

    @Test("a class that only one part has is said where the numbers agree; notes are shown")
    func agreement() throws {
        let data = try data("b", train: ["cat", "dog", "elk"], validation: ["cat", "dog"])
        try Data("text".utf8).write(to: URL(fileURLWithPath: data + "/train/cat/picture.heic"))
        let result = try evaluate(data)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("1 classes have training and no test pictures: elk"))
        #expect(result.errors.contains("train: 1 files in forms that are not read"))
        let json = try evaluate(data, json: true)
        #expect(json.status == 0 && !json.errors.contains("elk"), "\(json.errors)")
    }
}
