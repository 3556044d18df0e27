import Foundation
import TensorFiles
import Testing

@Suite("tessera attention", .serialized) struct AttentionCommandTests {
    private let folder: TemporaryFolder
    private let tiny: TemporaryFolder
    private let data: String

    init() throws {
        folder = try TemporaryFolder()
        tiny = try TemporaryFolder()
        data = try TinyPictures.write(to: tiny, count: 64)
    }

    private func pretrain(
        _ method: String, _ name: String, _ settings: [String] = TinyPictures.settings
    ) throws {
        let trained = try Program.run(
            ["pretrain", method, "--data", data, "--out", folder.path(name)] + settings
                + ["schedule.epochs=0.5", "schedule.warmupEpochs=0"])
        try #require(trained.status == 0, "\(trained.errors)")
    }

    @Test("two encoders in one report, with tables, figures and the numbers of every picture")
    func comparison() throws {
        try pretrain("mae", "one")
        try pretrain("mae", "two", TinyPictures.settings + ["model.depth=1"])
        let out = folder.path("attention")
        let result = try Program.run([
            "attention", "--weights", folder.path("one"), "--against", folder.path("two"),
            "--data", data, "--split", "train", "--pictures", "40", "--device", "cpu", "--out", out,
            "--json",
        ])
        try #require(result.status == 0, "\(result.errors)")
        let summaries = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]])
        #expect(summaries.map { $0["encoder"] as? String } == ["one", "two"])
        #expect(summaries.allSatisfy { $0["pictures"] as? Int == 40 })
        let file = try SafeTensorsFile(path: out + "/one.safetensors")
        #expect(try file.tensor("attn_stats").shape.first == 40)
        #expect(try file.tensor("labels").doubles().prefix(3) == [0, 1, 3])  // 0, 1, 3 of 64 by 4
        let page = try String(contentsOfFile: out + "/report.html", encoding: .utf8)
        #expect(page.contains("Attention of one, two"))
        for name in ["attention.json", "attention.csv", "pos_pos_entropy.svg"] {
            #expect(FileManager.default.fileExists(atPath: out + "/" + name), "\(name)")
        }
        #expect(FileManager.default.fileExists(atPath: out + "/pos_pos_entropy-two.svg"))
        #expect(!FileManager.default.fileExists(atPath: out + "/pos_pos_entropy.png"))
    }

    /// With a program in the place of librsvg's, which need not be there.
    @Test("figures as PNG: one of each, drawn by rsvg-convert, or what to install")
    func png() throws {
        try pretrain("mae", "one")
        let arguments = [
            "attention", "--weights", folder.path("one"), "--data", data, "--split", "train",
            "--pictures", "8", "--device", "cpu", "--out", folder.path("png"), "--png",
        ]
        let missing = try Program.run(arguments, environment: ["PATH": folder.path("nowhere")])
        #expect(missing.status == 64 && missing.errors.contains("apt install librsvg2-bin"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("png")))

        let programs = folder.path("bin")
        try FileManager.default.createDirectory(
            atPath: programs, withIntermediateDirectories: true)
        func install(_ script: String) throws {
            let path = programs + "/rsvg-convert"
            try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755], ofItemAtPath: path)
        }
        let path = programs + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
        // … --output PNG SVG
        try install("[ \"$5\" = --output ] && head -c 5 \"$7\" > \"$6\"")
        let drawn = try Program.run(arguments, environment: ["PATH": path])
        try #require(drawn.status == 0, "\(drawn.errors)")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("png"))
        let figures = names.filter { $0.hasSuffix(".svg") }.map { $0.dropLast(4) }.sorted()
        #expect(figures.count > 10)
        #expect(figures == names.filter { $0.hasSuffix(".png") }.map { $0.dropLast(4) }.sorted())
        #expect(
            try String(contentsOfFile: folder.path("png/pos_pos_entropy.png"), encoding: .utf8)
                == "<?xml")

        try install("echo no such font >&2; exit 1")
        let refused = try Program.run(arguments, environment: ["PATH": path])
        #expect(refused.status != 0 && refused.errors.contains("no such font"))
    }

    @Test("what cannot be measured is said")
    func errors() throws {
        let missing = try Program.run(["attention", "--weights", "nowhere", "--data", data])
        #expect(missing.status != 0 && missing.errors.contains("nowhere does not exist"))
        let none = try Program.run([
            "attention", "--weights", "nowhere", "--data", data, "--pictures", "0",
        ])
        #expect(none.status != 0 && none.errors.contains("--pictures is 0"))
        try pretrain(
            "simmim-swin", "swin", ResumeTests.settings(of: "simmim-swin", optim: "optim.lr=1e-3"))
        let swin = try Program.run([
            "attention", "--weights", folder.path("swin"), "--data", data, "--split", "train",
        ])
        #expect(swin.status != 0 && swin.errors.contains("no plain vision transformer"))
    }
}
