import Foundation
import Testing

@testable import Training

@Suite("Files of a run that cannot be written") struct RunFileErrorTests {
    @Test("a full device is named, with what to do")
    func fullDevice() throws {
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: "/dev/full"))
        let error = try #require(throws: RunFileError.self) {
            try RunFileError.naming("runs/x/metrics.jsonl", "write") {
                try handle.write(contentsOf: Data("line\n".utf8))
            }
        }
        #expect(error.description.hasPrefix("runs/x/metrics.jsonl: cannot write: "))
        #expect(error.description.contains("make room"))
        #expect(error.description.contains("tessera resume"))
    }

    @Test("a folder that is gone is named, without talk of room")
    func missingFolder() throws {
        let url = URL(fileURLWithPath: "/nowhere/epochs.csv")
        var table = try EpochTable(url, continuingAt: 0)
        let error = try #require(throws: RunFileError.self) {
            try table.append(epoch: 0, [("loss", 1)])
        }
        #expect(error.description.hasPrefix("/nowhere/epochs.csv: cannot write: "))
        #expect(!error.description.contains("make room"))
        #expect(throws: RunFileError.self) {
            _ = try MetricsLog(URL(fileURLWithPath: "/nowhere/metrics.jsonl"), continuingAfter: 0)
        }
    }
}
