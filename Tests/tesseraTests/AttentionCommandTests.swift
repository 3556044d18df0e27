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
