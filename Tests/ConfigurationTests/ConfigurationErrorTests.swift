import Configuration
import Foundation
import Testing

@Suite("Texts of configuration errors") struct ConfigurationErrorTests {
    @Test("an unknown key names its place, a guess and what is known")
    func unknownKey() {
        #expect(
            message("name: x\noptim:\n  lrr: 1")
                == "r.yaml:3: unknown key 'optim.lrr'; did you mean 'lr'? "
                + "Known here: lr, betas, clip, warmup")
        #expect(
            message("", "optim.zzz=1") == "command line: unknown key 'optim.zzz'; "
                + "known here: lr, betas, clip, warmup")
        #expect(
            message("", "model.is_fast=1") == "command line: unknown key 'model.is_fast'; "
                + "did you mean 'isFast'? Known here: width, heads")
        #expect(
            message("", "optim.war_mup=1") == "command line: unknown key 'optim.war_mup'; "
                + "did you mean 'warmup'? Known here: lr, betas, clip, warmup")
        #expect(
            message("views: [{size: 1}, {sise: 2}]")
                == "r.yaml:1: unknown key 'views[1].sise'; did you mean 'size'? "
                + "Known here: size, blur")
        #expect(message("optim: {<<: {lr: 1}}").hasPrefix("r.yaml:1: unknown key 'optim.<<'"))
        #expect(
            message("steps: [{flip: {probability: 1, p: 2}}]")
                == "r.yaml:1: unknown key 'steps[0].flip.p'; known here: probability")
    }

    @Test("a key that belongs elsewhere is shown where it belongs")
    func misplacedKey() {
        #expect(
            message("", "lr=1").hasPrefix(
                "command line: unknown key 'lr'; did you mean 'optim.lr'? Known here: name, note,"))
    }

    @Test("a value of the wrong type names what was found and what was expected")
    func wrongType() {
        let cases = [
            ("epochs: many", "r.yaml:1: epochs is 'many', expected a whole number"),
            ("epochs: 1.5", "r.yaml:1: epochs is '1.5', expected a whole number"),
            ("epochs: '5'", "r.yaml:1: epochs is '5', expected a whole number"),
            ("epochs: 010", "r.yaml:1: epochs is '010', expected a whole number"),
            ("epochs: 1:30", "r.yaml:1: epochs is '1:30', expected a whole number"),
            ("epochs: 0x1F", "r.yaml:1: epochs is '0x1F', expected a whole number"),
            ("epochs:", "r.yaml:1: epochs is empty, expected a whole number"),
            (
                "epochs: 99999999999999999999",
                "r.yaml:1: epochs is '99999999999999999999', expected a whole number"
            ),
            ("seed: -1", "r.yaml:1: seed is '-1', expected a whole number, 0 or more"),
            ("ratio: .nan", "r.yaml:1: ratio is '.nan', expected a number"),
            ("ratio: 1e39", "r.yaml:1: ratio is '1e39', expected a number"),
            ("optim: {lr: 1e999}", "r.yaml:1: optim.lr is '1e999', expected a number"),
            ("optim: {lr: [1]}", "r.yaml:1: optim.lr is a list, expected a number"),
            (
                "optim: {clip: {a: 1}}",
                "r.yaml:1: optim.clip is a section, expected a number, or off"
            ),
            ("optim: {betas: 1}", "r.yaml:1: optim.betas is '1', expected a list, each a number"),
            ("optim: {betas: [1, x]}", "r.yaml:1: optim.betas[1] is 'x', expected a number"),
            ("optim: 5", "r.yaml:1: optim is '5', expected a section of settings"),
            ("- 1", "r.yaml:1: is a list, expected a section of settings"),
            ("note: [a]", "r.yaml:1: note is a list, expected text, or null"),
            ("name:", "r.yaml:1: name is empty, expected text"),
            ("name: [a]", "r.yaml:1: name is a list, expected text"),
            (
                "target: pixel",
                "r.yaml:1: target is 'pixel', expected one of pixels, features, off; "
                    + "did you mean 'pixels'?"
            ),
            ("target: 7", "r.yaml:1: target is '7', expected one of pixels, features, off"),
            ("steps: [{blur: {}}]", "r.yaml:1: steps[0] is a section, expected Step"),
            (
                "weights: {a: x}",
                "r.yaml:1: weights is a section, expected Dictionary<String, Double>"
            ),
        ]
        for (yaml, text) in cases { #expect(message(yaml) == text) }
        #expect(message("", "epochs=[1") == "command line: epochs is '[1', expected a whole number")
    }

    @Test("a refused value carries the whole key and the line that set it")
    func invalid() {
        #expect(
            message("epochs: 2\nmodel:\n  heads: 5")
                == "r.yaml:3: model.heads is 5, expected a divisor of the width 192")
        #expect(
            message("model: {width: 200}")
                == "model.heads is 3, expected a divisor of the width 200")
        let error = ConfigurationError.invalid(
            "size", found: 225, expected: "a multiple of 16", advice: "set size=224")
        #expect("\(error)" == "size is 225, expected a multiple of 16; set size=224")
    }

    @Test("text that is no recipe")
    func malformed() {
        #expect(
            message("", "epochs") == "command line: 'epochs' is not of the form key.path=value")
        #expect(message("", "=3") == "command line: '=3' is not of the form key.path=value")
        #expect(message("", "a..b=3") == "command line: 'a..b=3' is not of the form key.path=value")
        #expect(
            message("epochs: 1\nname: x\nepochs: 2")
                == "r.yaml:1: the key 'epochs' stands twice in one section")
        #expect(
            message("'epochs': 1\nepochs: 2")
                == "r.yaml:1: the key 'epochs' stands twice in one section")
        #expect(message("a: 1\n---\nb: 2").hasPrefix("r.yaml:2: not valid YAML: "))
        #expect(message("a: [1\nb: 2").hasPrefix("r.yaml:"))
        #expect(message("a: *nowhere") == "r.yaml:1: not valid YAML: found undefined alias")
        #expect(
            message("? [a, b]\n: 1")
                == "r.yaml:1: a key is a list or a mapping, expected a name")
        #expect(message("a: \u{1}").contains("not valid YAML: control characters are not allowed"))
    }

    @Test("files that cannot be read")
    func files() throws {
        let folder = FileManager.default.temporaryDirectory.path
        let path = "\(folder)/tessera-recipe-\(UInt64.random(in: 0 ... .max)).yaml"
        #expect(
            message { _ = try Recipe(contentsOf: path) }
                == "\(path): cannot be opened; is the path right and readable?")
        #expect(
            message { _ = try Recipe(contentsOf: folder) }.hasPrefix("\(folder): cannot be"))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data([0x61, 0x3a, 0xff, 0xfe]).write(to: URL(fileURLWithPath: path))
        #expect(message { _ = try Recipe(contentsOf: path) } == "\(path): not UTF-8 text")
        try Data(count: 2 << 20).write(to: URL(fileURLWithPath: path))
        #expect(
            message { _ = try Recipe(contentsOf: path) }
                == "\(path): larger than 1048576 bytes, not a recipe")
        try Data("epochs: 3".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try Sample.resolve(recipe: Recipe(contentsOf: path)).value.epochs == 3)
    }
}

@Suite("Hostile recipes") struct HostileRecipeTests {
    @Test("nesting, aliases of aliases and many values end in an error")
    func bounds() {
        for depth in [65, 900, 5000, 200_000] {
            let text = message("note: " + String(repeating: "[", count: depth))
            #expect(text.hasPrefix("r.yaml:"), "\(depth): \(text)")
        }
        let closed = String(repeating: "[", count: 900) + String(repeating: "]", count: 900)
        #expect(message("note: " + closed) == "r.yaml: more than 100000 values or 64 levels")

        let levels = (1...9).map { level in
            let inner = (0..<9).map { _ in "*a\(level - 1)" }.joined(separator: ", ")
            return "a\(level): &a\(level) [\(inner)]"
        }
        let bomb = "a0: &a0 [x]\n" + levels.joined(separator: "\n")
        #expect(message(bomb) == "r.yaml: more than 8 anchors or 32 aliases")
        let keyBomb = "? &a [1, 2]\n: 0\n? [*a, *a]\n: 1"
        #expect(message(keyBomb).hasPrefix("r.yaml:1: a key is a list"))

        // As much as the limits on anchors and aliases admit: 4⁸ values.
        let most = (1...7).map {
            "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1), *a\($0 - 1), *a\($0 - 1)]"
        }
        let admitted = "a0: &a0 [x, x, x, x]\n" + most.joined(separator: "\n")
        #expect(message(admitted).hasPrefix("r.yaml:"))
        let many = "sizes: [" + String(repeating: "1,", count: 100_001) + "1]"
        #expect(message(many) == "r.yaml: more than 100000 values or 64 levels")
    }

    @Test("damaged recipes throw or resolve, and never stop the program")
    func damaged() throws {
        let yaml = try Array(Sample.resolve().yaml(documented: true).utf8)
        var state: UInt64 = 1
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        var refused = 0
        for _ in 0..<600 {
            var bytes = yaml
            for _ in 0...next(3) {
                switch next(3) {
                case 0: bytes[next(bytes.count)] = UInt8(next(256))
                case 1: bytes.remove(at: next(bytes.count))
                default: bytes.removeLast(next(bytes.count / 2))
                }
            }
            do {
                let recipe = try Recipe(yaml: String(decoding: bytes, as: UTF8.self), named: "r")
                _ = try Sample.resolve(recipe: recipe)
            } catch is ConfigurationError {
                refused += 1
            }
        }
        #expect(refused > 100)
    }
}
