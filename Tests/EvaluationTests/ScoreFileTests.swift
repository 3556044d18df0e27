import Evaluation
import Foundation
import Testing

@Suite("scores.json") struct ScoreFileTests {
    /// A folder that goes with the test.
    private final class Folder {
        let path = NSTemporaryDirectory() + "tessera-scores-" + UUID().uuidString
        init() throws {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        }
        deinit { try? FileManager.default.removeItem(atPath: path) }
        var file: String { path + "/scores.json" }
    }

    private let first = Score(
        protocol: "knn", metric: "top1", value: 85.25,
        settings: ["k": 20, "temperature": 0.07, "note": "a/b", "flip": true])
    private let second = Score(protocol: "linear", metric: "top5", value: 99.5)

    @Test("scores are added at the end and read back")
    func append() throws {
        let folder = try Folder()
        try ScoreFile.append([first], to: folder.file)
        try ScoreFile.append([second], to: folder.file)
        try ScoreFile.append([], to: folder.file)
        #expect(try ScoreFile.read(folder.file) == [first, second])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
    }

    @Test("the keys are protocol, metric, value and settings")
    func keys() throws {
        let folder = try Folder()
        try ScoreFile.append([first], to: folder.file)
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.file))
        let list = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
        #expect(Set(list[0].keys) == ["protocol", "metric", "value", "settings"])
        let settings = try #require(list[0]["settings"] as? [String: Any])
        #expect(settings["k"] as? Int == 20)
        #expect(settings["note"] as? String == "a/b")
    }

    @Test("an interval is kept with its ends and confidence")
    func interval() throws {
        let folder = try Folder()
        let score = Score(
            protocol: "knn", metric: "top1", value: 80,
            interval: Interval(low: 79.5, high: 80.25, level: 0.95))
        try ScoreFile.append([score, first], to: folder.file)
        #expect(try ScoreFile.read(folder.file) == [score, first])
    }

    @Test("what others added stays, keys unknown here too")
    func foreign() throws {
        let folder = try Folder()
        let text = #"[{"protocol":"x","metric":"y","value":1,"settings":{},"machine":"m7"}]"#
        try text.write(toFile: folder.file, atomically: true, encoding: .utf8)
        try ScoreFile.append([second], to: folder.file)
        #expect(try String(contentsOfFile: folder.file, encoding: .utf8).contains("m7"))
        #expect(try ScoreFile.read(folder.file).count == 2)
    }

    @Test("a broken file is left as it is, with advice", arguments: ["", "{}", "[1", "[3]"])
    func broken(text: String) throws {
        let folder = try Folder()
        try text.write(toFile: folder.file, atomically: true, encoding: .utf8)
        #expect {
            _ = try ScoreFile.read(folder.file)
        } throws: {
            "\($0)".contains("scores.json") && "\($0)".contains("move it away")
        }
        if text != "[3]" {
            #expect(throws: EvaluationError.self) {
                try ScoreFile.append([second], to: folder.file)
            }
            #expect(try String(contentsOfFile: folder.file, encoding: .utf8) == text)
        }
    }

    @Test("a value that JSON cannot hold is refused")
    func notFinite() throws {
        let folder = try Folder()
        #expect(throws: EvaluationError.self) {
            try ScoreFile.append(
                [Score(protocol: "knn", metric: "top1", value: .nan)], to: folder.file)
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file))
    }
}
