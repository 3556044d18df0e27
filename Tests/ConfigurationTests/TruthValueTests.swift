import Configuration
import Testing

/// Truth values are spelled as in YAML 1.1, which other programs' files are written in.
@Suite("Truth values") struct TruthValueTests {
    struct Switches: Configuration {
        var isFast = true
        var isExact = false
        var isOdd: Bool?
        var all: [Bool] = []
    }

    @Test(
        "every spelling, in recipes and on the command line",
        arguments: [
            (true, ["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"]),
            (false, ["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"]),
        ])
    func spellings(truth: Bool, words: [String]) throws {
        for word in words {
            let settings = ["isFast", "isExact", "isOdd"]
            let yaml = settings.map { "\($0): \(word)\n" }.joined() + "all: [\(word)]"
            let inFile = try Switches.resolve(recipe: Recipe(yaml: yaml, named: "r.yaml"))
            let typed = try Switches.resolve(
                overrides: settings.map { "\($0)=\(word)" } + ["all=[\(word)]"])
            for resolved in [inFile, typed] {
                let value = resolved.value
                #expect(value.isFast == truth && value.isExact == truth, "\(word)")
                #expect(value.isOdd == truth && value.all == [truth], "\(word)")
                #expect(resolved.settings.map(\.value).prefix(3).allSatisfy { $0 == "\(truth)" })
            }
        }
    }

    @Test("nil is null, never off", arguments: ["null", "~", ""])
    func null(word: String) throws {
        let recipe = try Recipe(yaml: "isOdd: yes", named: "r.yaml")
        #expect(try Switches.resolve(recipe: recipe).value.isOdd == true)
        #expect(
            try Switches.resolve(recipe: recipe, overrides: ["isOdd=\(word)"]).value.isOdd == nil)
        #expect(
            try Switches.resolve(recipe: recipe, overrides: ["isOdd=off"]).value.isOdd == false)
    }

    @Test("anything else is refused, with what may stand there")
    func refused() {
        func error(_ yaml: String) -> String {
            message { _ = try Switches.resolve(recipe: Recipe(yaml: yaml, named: "r.yaml")) }
        }
        for word in ["maybe", "y", "n", "tRUE", "oFF", "1", "0"] {
            #expect(
                error("isFast: \(word)") == "r.yaml:1: isFast is '\(word)', expected true or false")
        }
        #expect(error("isFast: 'off'") == "r.yaml:1: isFast is 'off', expected true or false")
        #expect(error("isFast:") == "r.yaml:1: isFast is empty, expected true or false")
        #expect(
            error("isOdd: maybe") == "r.yaml:1: isOdd is 'maybe', expected true or false, or null")
        #expect(error("all: [maybe]") == "r.yaml:1: all[0] is 'maybe', expected true or false")
    }
}
