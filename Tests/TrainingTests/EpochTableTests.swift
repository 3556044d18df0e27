import Foundation
import Testing

@testable import Training

@Suite("epochs.csv") struct EpochTableTests {
    private let folder: TemporaryFolder
    private var url: URL { folder.file("epochs.csv") }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func text() throws -> String { try String(contentsOf: url, encoding: .utf8) }

    @Test("a header, then a line an epoch")
    func lines() throws {
        var table = try EpochTable(url, continuingAt: 0)
        #expect(!FileManager.default.fileExists(atPath: url.path))
        try table.append(epoch: 0, [("loss", 0.5), ("lr", 1e-5)])
        try table.append(epoch: 1, [("loss", 0.25), ("lr", 0)])
        #expect(try text() == "epoch,loss,lr\n0,0.5,1e-05\n1,0.25,0.0\n")
    }

    @Test("resuming removes the epochs that will be written again")
    func resuming() throws {
        var first = try EpochTable(url, continuingAt: 0)
        for epoch in 0..<12 { try first.append(epoch: epoch, [("loss", Double(epoch))]) }
        let before = try text()
        var table = try EpochTable(url, continuingAt: 10)
        #expect(try text() == before.replacingOccurrences(of: "10,10.0\n11,11.0\n", with: ""))
        for epoch in 10..<12 { try table.append(epoch: epoch, [("loss", Double(epoch))]) }
        #expect(try text() == before)
    }

    @Test("a last line that was cut off is removed")
    func cutLine() throws {
        for end in ["1", "12", "12,", "12,0.5"] {
            try Data("epoch,loss,lr\n0,0.5,1.0\n\(end)".utf8).write(to: url)
            _ = try EpochTable(url, continuingAt: 12)
            #expect(try text() == "epoch,loss,lr\n0,0.5,1.0\n", "\(end)")
        }
    }

    @Test("values stand under their names, in whatever order an epoch has them")
    func columns() throws {
        var table = try EpochTable(url, continuingAt: 0)
        try table.append(epoch: 0, [("lr", 1), ("loss", 2)])
        try table.append(epoch: 1, [("loss", 4), ("lr", 3)])
        try table.append(epoch: 2, [("lr", 5)])
        #expect(try text() == "epoch,lr,loss\n0,1.0,2.0\n1,3.0,4.0\n2,5.0,\n")
        // A name that the header lacks gets a column.
        try table.append(epoch: 3, [("knn", 6), ("loss", 8), ("lr", 7)])
        #expect(try text() == "epoch,lr,loss,knn\n0,1.0,2.0,\n1,3.0,4.0,\n2,5.0,,\n3,7.0,8.0,6.0\n")
    }

    @Test("means keep the order in which the names came")
    func means() {
        var means = RunningMeans()
        #expect(means.means.isEmpty)
        for (name, value) in [("b", 1.0), ("a", 5.0), ("b", 2.0), ("b", 6.0)] {
            means.add(name, value)
        }
        #expect(means.means.map(\.name) == ["b", "a"])
        #expect(means.means.map(\.value) == [3, 5])
    }
}
