import FaultCorpus
import Foundation
import Imaging
import Testing

@testable import Data

/// The audit and the reader agree on every planted fault.
@Suite("Planted faults") struct FaultAuditTests {
    private let folder: TemporaryFolder
    private let corpus: FaultCorpus
    private let source: ImageFolder

    init() throws {
        folder = try TemporaryFolder()
        corpus = try FaultCorpus(folder.path, good: 6)
        source = try ImageFolder(folder.path)
    }

    @Test("at least 25 kinds, each of which is read or refused as it must be")
    func reading() throws {
        #expect(corpus.faults.count >= 60 && corpus.bad.count >= 25)
        var seen: Set<String> = []
        for index in 0..<source.count {
            let name = String(source.name(at: index).dropFirst(folder.path.count + 1))
            guard let fault = corpus.faults.first(where: { $0.name == name }) else {
                _ = try source.read(at: index)
                continue
            }
            seen.insert(name)
            do {
                _ = try source.read(at: index)
                #expect(fault.outcome == .good, "\(name)")
            } catch let error as ImageError {
                #expect(fault.outcome == .bad(error.kind), "\(error)")
                #expect(error.name == source.name(at: index))
            }
        }
        #expect(seen == Set(corpus.listed.map(\.name)))
    }

    @Test("every fault is found, with its name and nothing that is none", arguments: [1, 3])
    func audit(threads: Int) throws {
        var options = AuditOptions()
        options.threads = threads
        options.examples = 1000
        let result = try DataAudit(
            path: folder.path, parts: [AuditPart("pictures", source)], options: options
        ).run()
        let report = result.report
        for kind in FindingKind.allCases {
            let expected = corpus.faults.filter { $0.findings.contains(kind.rawValue) }
            let examples = report.finding(kind)?.examples.map(\.name) ?? []
            for fault in expected {
                #expect(
                    examples.contains { $0.contains("/" + fault.name) },
                    "\(kind) of \(fault.name): \(examples)")
            }
            // Kinds that good pictures of the corpus show, too, are not counted.
            guard kind.severity == .bad else { continue }
            #expect(report.finding(kind)?.count ?? 0 == expected.count, "\(kind): \(examples)")
        }
        let bad = result.bad.map { source.name(at: $0.index) }
        #expect(bad == corpus.bad.map { "\(folder.path)/\($0.fault.name)" }.sorted())
        #expect(report.bad == bad.count && report.readable + report.bad == source.count)
        if geteuid() == 0 { print("running as root: a file without permissions can be read") }
    }

    @Test("the report is the same for any number of threads")
    func threads() throws {
        func report(_ threads: Int) throws -> [Data] {
            var options = AuditOptions()
            options.threads = threads
            let report = try DataAudit(
                path: folder.path, parts: [AuditPart("pictures", source)], options: options
            ).run().report
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return try [
                encoder.encode(report.findings), encoder.encode(report.copies),
                encoder.encode(report.channels), encoder.encode(report.shortSide),
                encoder.encode(report.aspect), encoder.encode(report.formats),
            ]
        }
        let one = try report(1)
        for threads in [2, 5] { #expect(try report(threads) == one) }
    }

    @Test("truncated pictures are a warning where the decoder keeps them")
    func keptTruncated() throws {
        var options = AuditOptions()
        options.decoder.acceptsTruncated = true
        let strict = try DataAudit(path: "x", parts: [AuditPart("pictures", source)]).run().report
        let lenient = try DataAudit(
            path: "x", parts: [AuditPart("pictures", source)], options: options
        ).run().report
        let kept = try #require(lenient.finding(.truncatedKept))
        #expect(kept.severity == .warning && kept.count >= 9)
        #expect(strict.finding(.truncatedKept) == nil)
        let count = { (report: AuditReport) in report.finding(.truncated)?.count ?? 0 }
        #expect(count(strict) == count(lenient) + kept.count)
        #expect(strict.bad == lenient.bad + kept.count)
    }

    @Test("a shard cut in half: its whole pictures are checked, and it is said that some are lost")
    func cutShard() throws {
        var tar = TarFixture()
        for index in 0..<6 {
            tar.add(
                "\(index).png",
                try noise(width: 40, height: 40, channels: 3, seed: index).encodedPNG())
        }
        tar.end()
        try folder.write(Array(tar.bytes.prefix(tar.bytes.count / 2)), to: "cut.tar")
        let source = try TarSource(["\(folder.path)/cut.tar"])
        let report = try DataAudit(path: "cut.tar", parts: [AuditPart("pictures", source)]).run()
            .report
        #expect((2...3).contains(report.readable) && report.bad == 0)
        let note = report.finding(.incomplete)?.examples.first?.name
        #expect(note?.contains("cut off") == true)
    }

    @Test("a file that vanished since it was listed")
    func vanished() throws {
        try FileManager.default.removeItem(atPath: "\(folder.path)/good/3.jpg")
        let result = try DataAudit(
            path: folder.path, parts: [AuditPart("pictures", source)]
        ).run()
        let example = result.report.finding(.unreadable)?.examples.first
        #expect(example?.name == "\(folder.path)/good/3.jpg")
        #expect(example?.detail.contains("No such file") == true)
    }
}
