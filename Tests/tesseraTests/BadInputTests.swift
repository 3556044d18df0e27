import Foundation
import Testing

@Suite("Bad input is named, with what to do") struct BadInputTests {
    private let folder: TemporaryFolder
    private let pictures: TemporaryFolder
    private let data: String

    init() throws {
        folder = try TemporaryFolder()
        pictures = try TemporaryFolder()
        data = try TinyPictures.write(to: pictures)
    }

    private func pretrain(
        _ settings: [String] = [], data: String? = nil, out: String = "run"
    ) throws -> Program.Result {
        try Program.run(
            ["pretrain", "mae", "--data", data ?? self.data, "--out", folder.path(out)]
                + TinyPictures.settings + ["schedule.epochs=1"] + settings)
    }

    private func expect(
        _ result: Program.Result, status: Int32, says words: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(!result.wasKilled, "\(result.errors)", sourceLocation: sourceLocation)
        #expect(result.status == status, "\(result.errors)", sourceLocation: sourceLocation)
        for word in words {
            #expect(
                result.errors.contains(word), "\(result.errors)", sourceLocation: sourceLocation)
        }
    }

    @Test("a missing data folder leaves no run behind")
    func missingData() throws {
        let missing = folder.path("nowhere")
        expect(try pretrain(data: missing), status: 65, says: [missing])
        #expect(!FileManager.default.fileExists(atPath: folder.path("run")))
    }

    @Test("an empty data folder, and one without pictures")
    func emptyData() throws {
        let empty = try TemporaryFolder()
        expect(try pretrain(data: empty.url.path), status: 65, says: [empty.url.path])
        try "no picture".write(toFile: empty.path("notes.txt"), atomically: true, encoding: .utf8)
        expect(try pretrain(data: empty.url.path), status: 65, says: [empty.url.path])
    }

    @Test("an unknown setting, with the one that was meant")
    func unknownKey() throws {
        expect(try pretrain(["optim.weightdecay=0.1"]), status: 64, says: ["weightDecay"])
        expect(try pretrain(["metod.maskRatio=0.5"]), status: 64, says: ["method"])
    }

    @Test(
        "impossible sizes",
        arguments: [
            ("model.imageSize=9", "multiple"), ("model.heads=3", "divisor"),
            ("model.depth=0", "positive"), ("method.maskRatio=1.5", "maskRatio"),
            ("data.batchSize=100000", "batch"), ("schedule.warmupEpochs=9", "warmupEpochs"),
            ("model.channels=5", "data.mean"),
        ])
    func impossibleSizes(setting: String, word: String) throws {
        let result = try pretrain([setting])
        #expect([64, 65].contains(result.status), "\(result.errors)")
        expect(result, status: result.status, says: [word])
    }

    @Test(
        "settings of the pictures that make no sense are wrong settings, by their whole names",
        arguments: [
            ("data.std=[0]", "data.std is [0.0], expected numbers above 0"),
            ("data.mean=[]", "data.mean is [], expected one number or one a channel"),
            ("data.augment=[]", "data.augment is [], expected a step at the end that fixes"),
            ("data.views=[{count: 2}]", "data.views[0].steps is [], expected a step"),
            ("data.mostBad=100", "data.mostBad is 100.0, expected a share of the pictures"),
        ])
    func wrongPictureSettings(setting: String, text: String) throws {
        expect(try pretrain([setting]), status: 64, says: [text])
        #expect(!FileManager.default.fileExists(atPath: folder.path("run")))
    }

    @Test("a wrong method, with the one that was meant")
    func unknownMethod() throws {
        let result = try Program.run(
            ["pretrain", "mea", "--data", data, "--out", folder.path("run")])
        expect(result, status: 64, says: ["mae"])
    }

    @Test("a folder that holds another run is left alone")
    func otherRun() throws {
        expect(try pretrain(), status: 0, says: [])
        let config = folder.path("run/config.yaml")
        let before = try Data(contentsOf: URL(fileURLWithPath: config))
        expect(try pretrain(), status: 64, says: ["already holds a run", "tessera resume"])
        #expect(try Data(contentsOf: URL(fileURLWithPath: config)) == before)
    }

    @Test("resuming where there is no run")
    func nothingToResume() throws {
        let result = try Program.run(["resume", folder.path("nothing")])
        expect(result, status: 64, says: ["config.yaml"])
    }

    @Test("a full disk while saving loses nothing")
    func fullDisk() throws {
        expect(try pretrain(), status: 0, says: [])
        let run = folder.path("run")
        let names = try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints")
            .filter { $0.hasPrefix("step-") }.sorted()
        let last = try #require(names.last)
        let expected = try Data(contentsOf: URL(fileURLWithPath: run + "/checkpoints/" + last))
        try FileManager.default.removeItem(atPath: run + "/checkpoints/" + last)

        // No file may grow beyond 8 KiB; the signal for it is ignored, as on a full disk.
        let limited = Process()
        limited.executableURL = URL(fileURLWithPath: "/bin/bash")
        limited.arguments = [
            "-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" resume \"$1\"", Program.url.path, run,
        ]
        let errors = Pipe()
        limited.standardError = errors
        try limited.run()
        let text = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        limited.waitUntilExit()
        #expect(limited.terminationStatus == 73, "\(text)")
        #expect(text.contains("make room"), "\(text)")

        let end = try Program.run(["resume", run])
        expect(end, status: 0, says: [])
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: run + "/checkpoints/" + last)) == expected)
    }

    @Test("checkpoints that are none", arguments: ["random", "truncated", "hostile", "empty"])
    func wrongCheckpoint(kind: String) throws {
        let path = folder.path("weights.pth")
        let marker = folder.path("was-here")
        switch kind {
        case "random":
            try Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 197 &+ $0 / 7) })
                .write(to: URL(fileURLWithPath: path))
        case "truncated":
            expect(try pretrain(), status: 0, says: [])
            let run = folder.path("run/checkpoints")
            let name = try #require(
                FileManager.default.contentsOfDirectory(atPath: run)
                    .filter { $0.hasPrefix("step-") }.max())
            let whole = try Data(contentsOf: URL(fileURLWithPath: run + "/" + name))
            try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: path))
        case "hostile":
            // cos\nsystem\n(S'touch …'\ntR. : a call of os.system, for whoever executes it.
            try Data("cos\nsystem\n(S'touch \(marker)'\ntR.".utf8)
                .write(to: URL(fileURLWithPath: path))
        default:
            try Data().write(to: URL(fileURLWithPath: path))
        }
        let result = try Program.run(
            ["evaluate", "knn", "--weights", path, "--data", data])
        #expect([64, 65].contains(result.status), "\(result.errors)")
        expect(result, status: result.status, says: ["weights.pth"])
        #expect(!FileManager.default.fileExists(atPath: marker))
    }
}
