import Foundation
import Testing

@testable import Training

@Suite("metrics.jsonl") struct MetricsLogTests {
    private let folder: TemporaryFolder
    private var url: URL { folder.file("metrics.jsonl") }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func record(_ step: Int, loss: Double = 0.5) -> MetricsRecord {
        MetricsRecord(step: step, epoch: Double(step) / 4, values: [("loss", loss), ("lr", 1e-5)])
    }

    private func text() throws -> String { try String(contentsOf: url, encoding: .utf8) }
    private func steps() throws -> [Int] { try MetricsLog.read(url).map(\.step) }

    @Test("a line is one JSON object with its keys in order, also returned")
    func lines() throws {
        let log = try MetricsLog(url, continuingAfter: 0)
        let line = try log.append(record(3))
        #expect(line == #"{"step": 3, "epoch": 0.75, "loss": 0.5, "lr": 1e-05}"#)
        let second = try log.append(record(4, loss: .nan))
        #expect(second == #"{"step": 4, "epoch": 1.0, "loss": null, "lr": 1e-05}"#)
        #expect(try text() == line + "\n" + second + "\n")
    }

    @Test("what was written is read back")
    func readingBack() throws {
        let log = try MetricsLog(url, continuingAfter: 0)
        let written = [record(1, loss: 0.1 + 0.2), record(2, loss: 1e-300), record(3, loss: -7)]
        for record in written { _ = try log.append(record) }
        #expect(try MetricsLog.read(url) == written)
        _ = try log.append(record(4, loss: .infinity))
        let last = try #require(MetricsLog.read(url).last)
        #expect(last["loss"]?.isNaN == true && last["lr"] == 1e-5 && last["other"] == nil)
        #expect(try MetricsLog.read(folder.file("none")).isEmpty)
    }

    @Test("resuming removes the lines after the checkpoint and writes no step twice")
    func resuming() throws {
        do {
            let log = try MetricsLog(url, continuingAfter: 0)
            for step in 1...6 { _ = try log.append(record(step)) }
            // A probe after the checkpoint's step has a line of its own.
            _ = try log.append(MetricsRecord(step: 6, epoch: 1.5, values: [("knn_top1", 80)]))
            for step in 7...9 { _ = try log.append(record(step)) }
        }
        let before = try text()
        let log = try MetricsLog(url, continuingAfter: 6)
        #expect(try before.hasPrefix(text()))
        #expect(try steps() == [1, 2, 3, 4, 5, 6, 6])
        for step in 7...9 { _ = try log.append(record(step)) }
        #expect(try text() == before)
    }

    @Test("a last line that was cut off is removed")
    func cutLine() throws {
        let whole = try MetricsLog(url, continuingAfter: 0).append(record(1)) + "\n"
        let cut = MetricsLog.json(record(2))
        for length in 1..<cut.utf8.count {
            try Data((whole + cut.prefix(length)).utf8).write(to: url)
            #expect(try steps() == [1])
            let log = try MetricsLog(url, continuingAfter: 5)
            #expect(try text() == whole)
            _ = try log.append(record(2))
            #expect(try text() == whole + cut + "\n")
        }
        // Only its line break is missing.
        try Data((whole + cut).utf8).write(to: url)
        _ = try MetricsLog(url, continuingAfter: 5).append(record(3))
        #expect(try steps() == [1, 2, 3])
    }

    @Test("a line cut inside a character does not end the run")
    func cutCharacter() throws {
        let whole = try MetricsLog(url, continuingAfter: 0).append(record(1)) + "\n"
        try (Data(whole.utf8) + Data(#"{"step": 2, "ma"#.utf8) + [0xC3]).write(to: url)
        #expect(try steps() == [1])
        _ = try MetricsLog(url, continuingAfter: 5)
        #expect(try text() == whole)
    }

    @Test("a folder that is not there is an error")
    func missingFolder() {
        #expect(throws: (any Error).self) {
            try MetricsLog(folder.file("none/metrics.jsonl"), continuingAfter: 0)
        }
    }
}
