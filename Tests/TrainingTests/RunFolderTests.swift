import Foundation
import Testing

@testable import Training

@Suite("The folder of a run") struct RunFolderTests {
    private let temporary: TemporaryFolder
    private var path: String { temporary.path("a/run") }

    init() throws {
        temporary = try TemporaryFolder()
    }

    private func expectError(_ text: String, _ body: () throws -> RunFolder) {
        #expect {
            try body()
        } throws: { error in
            error is RunFolderError && "\(error)".contains(text)
        }
    }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    @Test("a new folder is made with those above it; names are those of the documentation")
    func create() throws {
        let folder = try RunFolder.create(path)
        #expect(exists(path + "/checkpoints"))
        let names = [
            folder.configuration, folder.metrics, folder.epochs, folder.badFiles, folder.scores,
            folder.report, folder.checkpoints,
        ].map(\.lastPathComponent)
        #expect(
            names == [
                "config.yaml", "metrics.jsonl", "epochs.csv", "bad_files.jsonl", "scores.json",
                "report.html", "checkpoints",
            ])
        #expect(folder.metrics.path == path + "/metrics.jsonl")
    }

    @Test("a folder with another run is refused, with the way to continue it")
    func otherRun() throws {
        do {
            let folder = try RunFolder.create(path)
            try Data("run: {}".utf8).write(to: folder.configuration)
        }
        expectError("\(path) already holds a run: continue it with `tessera resume \(path)`") {
            try RunFolder.create(path)
        }
        _ = try RunFolder.open(path)
    }

    @Test("a folder that holds other things is taken")
    func otherContents() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Data("x".utf8).write(to: URL(fileURLWithPath: path + "/notes.txt"))
        _ = try RunFolder.create(path)
        #expect(exists(path + "/notes.txt"))
    }

    @Test("opening what is no run names what is missing and makes nothing")
    func noRun() throws {
        expectError("\(path) holds no run: config.yaml is missing") { try RunFolder.open(path) }
        #expect(!exists(path))
    }

    @Test("one at a time: a second is refused until the first has gone")
    func locked() throws {
        var first: RunFolder? = try RunFolder.create(path)
        try Data().write(to: try #require(first).configuration)
        for body in [RunFolder.create, RunFolder.open] {
            expectError("another process is working in \(path)") { try body(path) }
        }
        first = nil
        _ = try RunFolder.open(path)
        // A process that crashed leaves the file of the lock behind.
        #expect(exists(path + "/.lock"))
        _ = try RunFolder.open(path)
    }

    @Test("a refused folder gives back its file descriptor, once")
    func descriptors() throws {
        let first = try RunFolder.create(path)
        func openLocks() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
                let target = try? FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/self/fd/\($0)")
                return target?.hasSuffix(path + "/.lock") == true
            }
        }
        #expect(try openLocks() == 1)
        for _ in 0..<5 { _ = try? RunFolder.create(path) }
        #expect(try openLocks() == 1)
        withExtendedLifetime(first) {}
    }

    @Test("a path that cannot be a folder")
    func impossible() throws {
        try Data("x".utf8).write(to: temporary.file("file"))
        expectError("\(temporary.path("file")) cannot be created") {
            try RunFolder.create(temporary.path("file"))
        }
        expectError("/proc/run cannot be created") { try RunFolder.create("/proc/run") }
    }
}
