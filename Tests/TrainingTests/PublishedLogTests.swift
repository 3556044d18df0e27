import Foundation
import Testing

@testable import Training

@Suite("The log of a method's published code") struct PublishedLogTests {
    @Test("a line for each logged step, none for a probe, after those of the run so far")
    func lines() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("\(UUID().uuidString).csv")
        defer { try? FileManager.default.removeItem(at: url) }
        let columns: [PublishedColumn] = [
            .integer("epoch", \.epoch), .integer("itr", \.iteration),
            .number("loss", "%.3f") { $0.record["loss"] },
            .integer("time (ms)") { $0.milliseconds.map { Int($0) } },
        ]
        func record(_ step: Int, _ values: [(name: String, value: Double)]) -> MetricsRecord {
            MetricsRecord(step: step, epoch: 0, values: values)
        }
        let kept = [
            record(1, [("loss", 0.25), ("images_per_second", 64)]), record(4, [("knn_top1", 50)]),
        ]
        let log = try PublishedLog(url, columns, after: kept, stepsPerEpoch: 4, batchSize: 32)
        try log.append(record(5, [("images_per_second", 128)]))
        #expect(
            try String(contentsOf: url, encoding: .utf8)
                == "epoch,itr,loss,time (ms)\n1,0,0.250,500\n2,0,-1.000,250\n")
    }
}
