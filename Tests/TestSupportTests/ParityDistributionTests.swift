import Foundation
import TensorFiles
import Testing
import Torch

@testable import TestSupport

/// Comparisons of distributions tell equal ones from different ones.
@Suite("Recorded distributions") struct ParityDistributionTests {
    /// A case with a sample of the numbers 0, 1/400, …, its histogram over ten bins, and shares.
    private func withCase(_ body: (ParityCase, ParityLedger) throws -> Void) throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent(
            "parity-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        let family = root.appendingPathComponent("stop")
        try FileManager.default.createDirectory(at: family, withIntermediateDirectories: true)
        let tensors: [(String, [Float])] = [
            ("out/histogram", [Float](repeating: 40, count: 10)),
            ("out/sample", (0..<400).map { Float($0) / 400 }),
            ("out/shares", [0, 0.25, 0.5, 1]),
        ]
        let writer = try SafeTensorsWriter(
            path: family.appendingPathComponent("a.safetensors").path,
            entries: tensors.map {
                .init(name: $0.0, elementType: .float32, shape: [$0.1.count])
            }, metadata: ["config": "{}"])
        for entry in writer.entries {
            guard let values = tensors.first(where: { $0.0 == entry.name })?.1 else { continue }
            try values.withUnsafeBytes { try writer.append($0) }
        }
        try writer.finish()
        let folder = ParityFolder(path: root.path)
        let ledger = ParityLedger(folder: folder)
        try body(ParityCase("a", family: "stop", folder: folder, ledger: ledger), ledger)
    }

    @Test("equal distributions pass")
    func equal() throws {
        try withCase { item, ledger in
            item.compareSample("out/sample", (0..<300).map { Double($0 * 7 % 300) / 300 })
            item.compareHistogram("out/histogram", [Int](repeating: 100, count: 10))
            item.compareShares(
                "out/shares", recordedDraws: 1000, [0, 0.26, 0.49, 1], draws: 1000)
            item.finish()
            #expect(ledger.report().contains("1 claimed, 1 present, 0 failed"))
        }
    }

    @Test("a shifted sample, a leaning histogram, a wrong share fail")
    func different() throws {
        try withCase { item, ledger in
            withKnownIssue {
                item.compareSample("out/sample", (0..<300).map { 0.15 + Double($0) / 300 })
            }
            withKnownIssue {
                item.compareHistogram("out/histogram", (0..<10).map { 20 + 5 * $0 })
            }
            withKnownIssue {
                item.compareShares(
                    "out/shares", recordedDraws: 1000, [0, 0.4, 0.5, 1], draws: 1000)
            }
            withKnownIssue {
                item.compareShares("out/shares", recordedDraws: 1000, [0, 0.25], draws: 1000)
            }
            #expect(ledger.report().contains("0 claimed, 1 present, 1 failed"))
        }
    }

    @Test("no numbers agree with nothing")
    func empty() throws {
        try withCase { item, _ in
            withKnownIssue { item.compareSample("out/sample", []) }
        }
    }
}
