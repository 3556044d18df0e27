import Foundation
import Testing

@Suite("The command line") struct CommandTests {
    @Test("help of every command names its options, and needs nothing of libtorch for that")
    func help() throws {
        for command in try Program.commands() {
            let result = try Program.run(
                command.words + ["--help"], environment: ["LIBTORCH": "/nonexistent"])
            #expect(result.status == 0, "\(command.words): \(result.errors)")
            for option in command.options where option != "version" {
                #expect(result.output.contains("--\(option)"), "\(command.words): \(option)")
            }
        }
        for (words, word) in [
            ([], "quickstart"), (["evaluate"], "knn"), (["masks", "preview"], "mapet"),
            (["config", "show"], "YAML"), (["checkpoint", "inspect"], "safetensors"),
        ] as [([String], String)] {
            let result = try Program.run(words + ["--help"])
            #expect(result.output.contains(word), "\(result.output)")
        }
    }

    @Test("config show prints what a recipe resolves to, and that resolves to itself")
    func configShow() throws {
        let folder = try TemporaryFolder()
        let first = try Program.run(["config", "show", "mae", "data.batchSize=64"])
        try #require(first.status == 0, "\(first.errors)")
        #expect(first.output.contains("batchSize: 64"))
        let recipe = folder.path("recipe.yaml")
        try first.output.write(toFile: recipe, atomically: true, encoding: .utf8)
        let second = try Program.run(["config", "show", recipe])
        try #require(second.status == 0, "\(second.errors)")
        func settings(_ text: String) -> [String] {
            text.split(separator: "\n").map { line in
                String(line.split(separator: "#", omittingEmptySubsequences: false)[0])
                    .trimmingCharacters(in: .whitespaces)
            }.filter { !$0.isEmpty }
        }
        #expect(settings(second.output) == settings(first.output))
    }

    @Test("an option that does not exist ends with 64")
    func wrongOption() throws {
        #expect(try Program.run(["pretrain", "mae", "--dta", "x"]).status == 64)
        #expect(try Program.run(["pretrian"]).status == 64)
    }

    @Test("a missing libtorch is said in one line with the remedy")
    func missingLibTorch() throws {
        let result = try Program.run(["doctor"], environment: ["LIBTORCH": "/nonexistent"])
        #expect(result.status == 64)
        #expect(result.output.contains("make setup"))
    }

    @Test("the cache lies where the set-up puts it", arguments: ["TESSERA_CACHE", "HOME"])
    func cache(variable: String) throws {
        let folder = try TemporaryFolder()
        var environment = ["LIBTORCH": "", "TESSERA_CACHE": "", "XDG_CACHE_HOME": ""]
        environment[variable] = folder.url.path
        let result = try Program.run(["doctor"], environment: environment)
        let cache = folder.url.path + (variable == "HOME" ? "/.cache/tessera" : "")
        #expect(result.status == 64)
        #expect(result.output.contains("not found in \(cache)/libtorch/"), "\(result.output)")
    }

    @Test("pretrain, evaluate, report: the whole way on tiny pictures")
    func wholeWay() throws {
        let folder = try TemporaryFolder()
        let pictures = try TemporaryFolder()
        let data = try TinyPictures.write(to: pictures)
        let run = folder.path("run")
        let trained = try Program.run(
            ["pretrain", "mae", "--json", "--data", data, "--out", run] + TinyPictures.settings)
        try #require(trained.status == 0, "\(trained.errors)")
        let lines = try trained.output.split(separator: "\n").map { line in
            try #require(
                JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
        let losses = lines.compactMap { $0["loss"] as? Double }
        let (first, last) = (try #require(losses.first), try #require(losses.last))
        #expect(last < first)
        for (name, settings) in [
            ("knn", ["protocol.neighbors=[5]"]),
            ("linear", ["protocol.epochs=5", "protocol.warmupEpochs=1"]),
            ("logistic", []),
        ] {
            let result = try Program.run(
                ["evaluate", name, "--weights", run, "--data", data, "--json"] + settings)
            try #require(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("\"value\""))
        }
        let scores = try #require(
            JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(fileURLWithPath: run + "/scores.json")))
                as? [[String: Any]])
        #expect(Set(scores.compactMap { $0["protocol"] as? String }).count == 3)
        let written = try Program.run(["report", run])
        try #require(written.status == 0, "\(written.errors)")
        let html = try String(contentsOfFile: run + "/report.html", encoding: .utf8)
        #expect(html.contains("Reconstruction"))
        #expect(html.contains("Loss"))

        // A penalty that is no `Int`, and a list of scores that others have written into.
        let strong = try Program.run(
            ["evaluate", "logistic", "--weights", run, "--data", data, "protocol.lambdas=[1e30]"])
        #expect(strong.status == 0, "\(strong.errors)")
        #expect(strong.output.contains("logistic, λ = 1e+30"), "\(strong.output)")
        let others = ["-1e300", "1e300", "1e-300", "3", "0.5"].map { number in
            """
            {"protocol": "knn", "metric": "top1", "value": \(number), "settings": {"k": \(number),
            "rawPixels": 1e308}, "interval": {"low": -1e308, "high": 1e308, "level": 0.95}}
            """
        }
        try "[\(others.joined(separator: ","))]".write(
            toFile: run + "/scores.json", atomically: true, encoding: .utf8)
        let again = try Program.run(["report", run])
        #expect(again.status == 0, "\(again.errors)")
        let page = try String(contentsOfFile: run + "/report.html", encoding: .utf8)
        for title in ["k = -1e+300", "k = 1e+300", "k = 3<", "k = 0.5"] {
            #expect(page.contains(title), "\(title)")
        }
    }
}
