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
