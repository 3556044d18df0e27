import Data
import Foundation
import Testing

@testable import Training

@Suite("bad_files.jsonl") struct BadFileLogTests {
    private let folder: TemporaryFolder
    private var url: URL { folder.file("bad_files.jsonl") }

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Bad files come from the loader alone, so they are made by decoding.
    private func bad(_ name: String, epoch: Int = 0, reason: String = "is cut") throws -> BadFile {
        let json: [String: Any] = [
            "index": 1, "name": name, "reason": reason, "epoch": epoch, "step": 2,
        ]
        return try JSONDecoder().decode(
            BadFile.self, from: JSONSerialization.data(withJSONObject: json))
    }

    private func lines() throws -> [String] {
        try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    @Test("a file is listed once however many epochs meet it")
    func once() throws {
        let log = BadFileLog(url)
        #expect(!FileManager.default.fileExists(atPath: url.path))
        for epoch in 0..<3 {
            #expect(try log.append(bad("a/1.jpg", epoch: epoch)) == (epoch == 0))
            #expect(
                try log.append(bad("b \"2\".png", epoch: epoch, reason: "é")) == (epoch == 0))
        }
        #expect(
            try lines() == [
                #"{"file":"a/1.jpg","reason":"is cut"}"#,
                #"{"file":"b \"2\".png","reason":"é"}"#,
            ])
    }

    @Test("also when the run is resumed")
    func reopened() throws {
        try BadFileLog(url).append(bad("1.jpg"))
        let second = BadFileLog(url)
        #expect(try !second.append(bad("1.jpg")))
        #expect(try second.append(bad("2.jpg")))
        #expect(try lines().count == 2)
    }

    @Test("a last line that was cut off spoils no other")
    func cutLine() throws {
        try BadFileLog(url).append(bad("1.jpg"))
        let whole = try String(contentsOf: url, encoding: .utf8)
        try Data((whole + whole.dropLast(4)).utf8).write(to: url)
        try BadFileLog(url).append(bad("2.jpg"))
        let third = BadFileLog(url)
        #expect(try !third.append(bad("1.jpg")) && !third.append(bad("2.jpg")))
    }

    @Test("a list that cannot be written does not end the run")
    func unwritable() throws {
        let log = BadFileLog(folder.file("none/bad_files.jsonl"))
        #expect(try log.append(bad("1.jpg")))
    }
}
