import FaultCorpus
import Foundation
import Testing

/// `data check` and `data preview`, and training, over pictures with every planted fault.
@Suite("Faulty pictures, as a user meets them") struct DataCommandTests {
    private let folder: TemporaryFolder
    private let pictures: TemporaryFolder
    private let corpus: FaultCorpus

    init() throws {
        folder = try TemporaryFolder()
        pictures = try TemporaryFolder()
        corpus = try FaultCorpus(pictures.url.path, good: 40)
    }

    private var badPaths: [String] {
        corpus.bad.map { pictures.path($0.fault.name) }.sorted()
    }

    @Test("training goes through, and lists every bad file with its reason, and no other")
    func training() throws {
        // One batch of all pictures, so that an epoch leaves none out.
        let count = 41 + corpus.listed.count
        let run = folder.path("run")
        let result = try Program.run(
            ["pretrain", "mae", "--data", pictures.url.path, "--out", run] + TinyPictures.settings
                + [
                    "data.batchSize=\(count)", "schedule.epochs=2", "run.logEvery=1",
                ])
        try #require(result.status == 0, "\(result.errors)")
        let lines = try String(contentsOfFile: run + "/bad_files.jsonl", encoding: .utf8)
            .split(separator: "\n")
        var reasons: [String: String] = [:]
        for line in lines {
            let object = try #require(
                JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
            reasons[try #require(object["file"])] = object["reason"]
        }
        #expect(lines.count == reasons.count)
        #expect(reasons.keys.sorted() == badPaths)
        for (path, reason) in reasons {
            #expect(reason.hasPrefix(path + ": ") && reason.count > path.count + 20, "\(reason)")
        }
        let metrics = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
        #expect(metrics.split(separator: "\n").count == 2 && !metrics.contains("NaN"))
    }

    @Test("data check: text, page, JSON and list; 65 with bad files, 0 without")
    func check() throws {
        let out = folder.path("check.html")
        let result = try Program.run(["data", "check", pictures.url.path, "--out", out])
        #expect(result.status == 65, "\(result.errors)")
        for word in ["Truncated pictures", "Exact copies", "data.mean=", "Links that lead nowhere"]
        {
            #expect(result.output.contains(word), "\(result.output)")
        }
        let list = try String(contentsOfFile: folder.path("check.bad.txt"), encoding: .utf8)
        #expect(list.split(separator: "\n").map(String.init) == badPaths)
        let page = try String(contentsOfFile: out, encoding: .utf8)
        #expect(page.contains("<h2>Copies</h2>") && page.contains("Truncated pictures"))
        let report = try #require(
            JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(fileURLWithPath: folder.path("check.json"))))
                as? [String: Any])
        #expect(report["bad"] as? Int == corpus.bad.count)

        let good = try Program.run(["data", "check", pictures.path("good"), "--threads", "1"])
        #expect(good.status == 0, "\(good.errors)")
        let sample = try Program.run(
            ["data", "check", pictures.path("good"), "--sample", "5", "--json"])
        let line = try JSONSerialization.jsonObject(with: Data(sample.output.utf8))
        #expect(
            ((line as? [String: Any])?["parts"] as? [[String: Any]])?[0]["checked"] as? Int == 5)
    }

    @Test("data check: a pipe that is named like a picture is not waited for")
    func pipe() throws {
        let pipe = folder.path("x.jpg")
        try #require(mkfifo(pipe, 0o600) == 0)
        let good = try FileManager.default.subpathsOfDirectory(atPath: pictures.path("good"))
            .filter { $0.hasSuffix(".jpg") }.map { pictures.path("good/\($0)") }
        let list = folder.path("list.txt")
        try (good + [pipe]).joined(separator: "\n")
            .write(toFile: list, atomically: true, encoding: .utf8)
        let listed = try Program.run(["data", "check", list], killAfter: .seconds(60))
        #expect(listed.status == 65 && !listed.wasKilled, "\(listed.errors)")
        #expect(listed.output.contains("x.jpg  (is not a regular file)"), "\(listed.output)")

        // In a folder it is no picture of it.
        try FileManager.default.copyItem(atPath: good[0], toPath: folder.path("a.jpg"))
        let found = try Program.run(
            ["data", "check", folder.url.path, "--read-timeout", "5"], killAfter: .seconds(60))
        #expect(found.status == 0 && !found.wasKilled, "\(found.errors)")
        #expect(found.output.contains("Neither file nor folder: 1"), "\(found.output)")
    }

    @Test("data check: what is no data set, and wrong arguments")
    func checkErrors() throws {
        let missing = try Program.run(["data", "check", folder.path("nowhere")])
        #expect(missing.status == 65 && missing.errors.contains("nowhere"))
        let nowhere = folder.path("no/such/folder/check.html")
        let unwritable = try Program.run(["data", "check", pictures.path("good"), "--out", nowhere])
        #expect(unwritable.status == 73, "\(unwritable.errors)")
        for arguments in [
            ["--threads", "0"], ["--sample", "-3"], ["--out", "check.txt"],
            ["--read-timeout", "-1"],
        ] {
            let result = try Program.run(["data", "check", pictures.path("good")] + arguments)
            #expect(result.status == 64, "\(result.errors)")
        }
    }

    @Test("data preview: the views of a run, the same every time, others with another seed")
    func preview() throws {
        func page(_ name: String, _ settings: [String]) throws -> String {
            let out = folder.path(name)
            let result = try Program.run(
                ["data", "preview", pictures.url.path, "mae", "model.imageSize=32"] + settings
                    + ["--out", out, "--count", "3", "--epochs", "2"])
            try #require(result.status == 0, "\(result.errors)")
            return try String(contentsOfFile: out, encoding: .utf8)
        }
        let first = try page("a.html", [])
        // Three pictures as stored and in two epochs.
        #expect(first.components(separatedBy: "<img").count - 1 == 9)
        #expect(first.contains("randomResizedCrop"))
        #expect(try page("b.html", []) == first)
        #expect(try page("c.html", ["run.seed=1"]) != first)

        let views = try page(
            "d.html",
            [
                "data.views=[{steps: [{resize: {size: 32, fit: exact}}]}, "
                    + "{steps: [{centerCrop: {size: 16}}], count: 2}]"
            ])
        #expect(views.components(separatedBy: "<img").count - 1 == 3 * 2 * 4)

        // What fills an erased rectangle is no byte, and is shown all the same.
        let resize = "{resize: {size: 32, fit: exact}}"
        let whole = try page("e.html", ["data.augment=[\(resize)]"])
        let erased = try page(
            "f.html", ["data.augment=[\(resize), {randomErasing: {probability: 1}}]"])
        #expect(erased.contains("randomErasing") && erased != whole)

        // Pictures of three channels for a model of four.
        let deep = folder.path("deep.html")
        let channels = try Program.run(
            ["data", "preview", pictures.path("good"), "model.imageSize=32", "model.channels=4"]
                + ["data.mean=[0.5]", "data.std=[0.5]", "--out", deep])
        #expect(channels.status == 65, "\(channels.errors)")
        #expect(channels.errors.contains("has 3 channels, the model takes 4"))
    }

    @Test("data preview: unknown methods, settings and numbers")
    func previewErrors() throws {
        let data = pictures.path("good")
        for (arguments, word) in [
            (["mea"], "mae"), (["mae", "data.agument=null"], "augment"),
            (["a", "b"], "two recipes"),
            (["--count", "0"], "--count"), (["nothing.yaml"], "nothing.yaml"),
        ] {
            let result = try Program.run(
                ["data", "preview", data, "--out", folder.path("x.html")] + arguments)
            #expect(result.status == 64, "\(result.errors)")
            #expect(result.errors.contains(word), "\(result.errors)")
        }
    }
}
