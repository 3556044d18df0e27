import Foundation
import Testing

/// `masks preview`, as a user meets it.
@Suite("Previews of masks") struct MasksCommandTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func preview(_ arguments: [String], out: String = "masks.html") throws
        -> Program.Result
    {
        try Program.run(["masks", "preview", "--out", folder.path(out)] + arguments)
    }

    /// The object that `--json` prints.
    private func facts(_ arguments: [String]) throws -> [String: Any] {
        let result = try preview(arguments + ["--json"])
        try #require(result.status == 0, "\(result.errors)")
        return try #require(
            JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    }

    private static let names = [
        "mae", "simmim", "beit", "beit2", "cae", "ibot", "ijepa", "stop", "ijepa-random", "mapet",
        "featurenorm",
    ]

    @Test("every kind of mask has a page that needs nothing else", arguments: names)
    func pages(name: String) throws {
        let result = try preview([name, "--draws", "200", "--count", "5"])
        #expect(result.status == 0, "\(result.errors)")
        let page = try String(contentsOfFile: folder.path("masks.html"), encoding: .utf8)
        for title in ["Examples", "Where", "How much", "Settings"] {
            #expect(page.contains("<h2>\(title)</h2>"))
        }
        #expect(page.contains("<h2>Blocks</h2>") == ["ijepa", "stop"].contains(name))
        #expect(page.contains("<h2>Packing</h2>") == (name == "featurenorm"))
        #expect(page.matches(of: /<figcaption>picture\s/).count == 5)
        // The one address is the name of SVG.
        let addresses = page.matches(of: /https?:[^'"]*/).map { String($0.0) }
        #expect(Set(addresses) == ["http://www.w3.org/2000/svg"])
    }

    @Test("numbers: what is hidden, seen and predicted, with the settings of the publication")
    func numbers() throws {
        let mae = try facts(["mae", "--grid", "10x20", "maskRatio=0.6", "--draws", "300"])
        #expect(mae["page"] as? String == folder.path("masks.html"))
        #expect(mae["settings"] as? [String: String] == ["maskRatio": "0.6"])
        let statistics = try #require(mae["statistics"] as? [String: Any])
        #expect(statistics["masks"] as? Int == 300)
        func range(_ key: String, _ object: [String: Any]) throws -> [Double] {
            let range = try #require(object[key] as? [String: Double])
            return try ["min", "mean", "max"].map { try #require(range[$0]) }
        }
        #expect(try range("hiddenShare", statistics) == [0.6, 0.6, 0.6])
        #expect(try range("contextLength", statistics) == [80, 80, 80])
        let seen = try range("seenShare", statistics)
        #expect(abs(seen[1] - 0.4) < 1e-12 && seen[0] > 0.25 && seen[2] < 0.55)
        let grids = try #require(statistics["grids"] as? [[String: Any]])
        #expect(grids.count == 1 && grids[0]["grid"] as? [Int] == [10, 20])

        let cae = try facts(["cae"])
        let settings = try #require(cae["settings"] as? [String: String])
        #expect(settings["count"] == "98" && settings["completion"] == "blocks")
        #expect((cae["remarks"] as? [String])?.first?.contains("border") == true)
        let stop = try facts(["stop"])["settings"] as? [String: String]
        #expect(stop?["smallContexts"] == "contextsFirst")
        let beit2 = try facts(["beit2"])["settings"] as? [String: String]
        #expect(beit2?["completion"] == "patches")
    }

    @Test("the same every time, others with another seed, epoch or view")
    func repeatable() throws {
        func page(_ more: [String]) throws -> String {
            let result = try preview(["ijepa", "--image-size", "224x192", "--draws", "64"] + more)
            try #require(result.status == 0, "\(result.errors)")
            let page = try String(contentsOfFile: folder.path("masks.html"), encoding: .utf8)
            // Without the sentence that names the seed.
            return page.replacing(/What the pictures.*?<\/p>/, with: "")
        }
        let first = try page([])
        #expect(first.contains("14×12 patches of 16 pixels"))
        #expect(try page([]) == first)
        for more in [["--seed", "1"], ["--epoch", "1"], ["--view", "1"]] {
            #expect(try page(more) != first)
        }
        let ibot = try facts(["ibot", "startEpoch=2", "--epoch", "1"])
        let hidden = (ibot["statistics"] as? [String: Any])?["hiddenShare"] as? [String: Double]
        #expect(hidden?["max"] == 0)
    }

    @Test("over pictures, each of which is shown once; several sizes for windows")
    func pictures() throws {
        let pictures = try TemporaryFolder()
        let data = try TinyPictures.write(to: pictures)
        let result = try preview(
            ["beit", "count=20", "--data", data, "--grid", "8x8", "--count", "6", "--draws", "100"])
        #expect(result.status == 0, "\(result.errors)")
        let page = try String(contentsOfFile: folder.path("masks.html"), encoding: .utf8)
        #expect(page.matches(of: /<image\s/).count == 6)

        let sizes = try facts(
            ["featurenorm", "--image-size", "256x256,128x64", "--draws", "100", "--data", data])
        let grids = (sizes["statistics"] as? [String: Any])?["grids"] as? [[String: Any]]
        let shapes = try #require(grids).compactMap { $0["grid"] as? [Int] }
        #expect(Set(shapes) == [[16, 16], [8, 4]])
    }

    @Test(
        "bad input is named, with what to do",
        arguments: [
            (["mea"], "did you mean 'mae'?"), ([], "no masks are named, expected one of mae"),
            (["mae", "cae"], "are 2"), (["mae", "maskratio=0.5"], "did you mean 'maskRatio'?"),
            (["mae", "maskRatio=1.5"], "maskRatio is 1.5, expected a number between 0 and 1"),
            (["beit", "completion=block"], "did you mean 'blocks'?"),
            (["ijepa", "--grid", "4x4"], "minKeep"), (["mapet", "--grid", "5x5"], "contextTokens"),
            (["mae", "--grid", "14"], "14x14"), (["mae", "--grid", "0x14"], "1 to 256"),
            (["mae", "--grid", "14x14", "--image-size", "224x224"], "give one of them"),
            (["mae", "--image-size", "8x224"], "patches of 16 pixels"),
            (["mae", "--image-size", "224x224,96x96"], "featurenorm takes several"),
            (["featurenorm", "--image-size", "320x320"], "maxSide"),
            (["simmim", "--image-size", "208x208"], "divisor of both sides"),
            (["mae", "--draws", "0"], "--draws is 0"), (["mae", "--patch", "0"], "--patch is 0"),
        ])
    func errors(arguments: [String], says: String) throws {
        let result = try preview(arguments)
        #expect(result.status == 64 && result.errors.contains(says), "\(result.errors)")
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
        #expect(left.isEmpty, "\(left)")
    }

    @Test("a page that cannot be written, and pictures that are not there")
    func files() throws {
        let unwritable = try preview(["mae"], out: "no/such/folder/masks.html")
        #expect(unwritable.status == 73 && unwritable.errors.contains("no/such/folder"))
        let missing = try preview(["mae", "--data", folder.path("nowhere")])
        #expect(missing.status == 65 && missing.errors.contains("nowhere"))
    }
}
