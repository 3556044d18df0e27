import Configuration
import Testing

@Suite("Resolved configurations") struct ResolvedConfigurationTests {
    @Test("every setting knows where it came from")
    func provenance() throws {
        let recipe = try Recipe(
            yaml: "epochs: 3\noptim:\n  lr: 1e-3\nviews:\n  - size: 4\n", named: "r.yaml")
        let resolved = try Sample.resolve(recipe: recipe, overrides: ["seed=5", "ema.clip=1"])
        func source(_ key: String) -> String? {
            resolved.settings.first { $0.key == key }.map { "\($0.value) \($0.source)" }
        }
        #expect(source("epochs") == "3 r.yaml:1")
        #expect(source("optim.lr") == "0.001 r.yaml:3")
        #expect(source("optim.betas") == "[0.9, 0.95] default")
        #expect(source("seed") == "5 command line")
        #expect(source("ema.clip") == "1.0 command line")
        #expect(source("ema.lr") == "0.00015 default")
        #expect(source("sizes") == "null default")
        #expect(source("views") == "[{size: 4, blur: false}] r.yaml:5")
        #expect(resolved.settings.first { $0.key == "ema.lr" }?.documentation != nil)
    }

    @Test("settings that stand for another program's keys name its lines and keys")
    func imported() throws {
        let theirs = try Sample.resolve(
            recipe: Recipe(yaml: "name: x\noptim:\n  warmup: 3\n  lr: 1\n", named: "t.yaml"))
        func recipe(heads: Int) throws -> Recipe {
            try Recipe(
                [
                    (key: "optim", setting: "epochs=3"), (key: "name", setting: "seed=4"),
                    (key: "optim.lr", setting: "model.heads=\(heads)"),
                    (key: "optim.lr", setting: "views=[{size: 5}]"),
                ], named: "t.yaml", of: theirs)
        }
        #expect(try recipe(heads: 4).text(at: "model.heads") == "4")
        let resolved = try Sample.resolve(recipe: recipe(heads: 4), overrides: ["seed=5"])
        let sources = Dictionary(
            resolved.settings.map { ($0.key, "\($0.value) \($0.source)") },
            uniquingKeysWith: { $1 })
        #expect(sources["epochs"] == "3 t.yaml:3 (optim)")
        #expect(sources["seed"] == "5 command line")
        #expect(sources["model.heads"] == "4 t.yaml:4 (optim.lr)")
        #expect(sources["views"] == "[{size: 5, blur: false}] t.yaml:4 (optim.lr)")
        #expect(sources["name"] == "run default")
        #expect(
            message { _ = try Sample.resolve(recipe: recipe(heads: 5)) }
                == "t.yaml:4 (optim.lr): model.heads is 5, expected a divisor of the width 192")
    }

    @Test("JSON: an object a setting, values of their types")
    func jsonLines() throws {
        let recipe = try Recipe(yaml: "views: [{blur: true}]", named: "a/r.yaml")
        let lines = try Sample.resolve(
            recipe: recipe,
            overrides: ["name='8 \"x\"'", "seed=18446744073709551615", "optim.lr=1e-3"]
        ).jsonLines()
        #expect(
            lines == [
                #"{"help":null,"key":"name","source":"command line","value":"8 \"x\""}"#,
                #"{"help":null,"key":"note","source":"default","value":null}"#,
                #"{"help":"Passes over the data.","key":"epochs","source":"default","value":800}"#,
                #"{"help":null,"key":"seed","source":"command line","value":18446744073709551615}"#,
                #"{"help":null,"key":"ratio","source":"default","value":0.75}"#,
                #"{"help":null,"key":"isFast","source":"default","value":true}"#,
                #"{"help":null,"key":"target","source":"default","value":"pixels"}"#,
                #"{"help":null,"key":"model.width","source":"default","value":192}"#,
                #"{"help":null,"key":"model.heads","source":"default","value":3}"#,
                #"{"help":"Learning rate at batch size 256.","key":"optim.lr","#
                    + #""source":"command line","value":0.001}"#,
                #"{"help":null,"key":"optim.betas","source":"default","value":[0.9,0.95]}"#,
                #"{"help":null,"key":"optim.clip","source":"default","value":null}"#,
                #"{"help":null,"key":"optim.warmup","source":"default","value":40}"#,
                #"{"help":null,"key":"ema","source":"default","value":null}"#,
                #"{"help":null,"key":"views","source":"a/r.yaml:1","#
                    + #""value":[{"blur":true,"size":224}]}"#,
                #"{"help":null,"key":"steps","source":"default","#
                    + #""value":[{"flip":{"probability":0.5}}]}"#,
                #"{"help":null,"key":"weights.a","source":"default","value":1}"#,
                #"{"help":null,"key":"weights.b","source":"default","value":2}"#,
                #"{"help":null,"key":"sizes","source":"default","value":null}"#,
            ])
    }

    @Test("YAML in order of declaration, with sources and help")
    func yaml() throws {
        let recipe = try Recipe(yaml: "optim: {lr: 1e-3}\nviews: [{blur: true}]", named: "r.yaml")
        let text = try Sample.resolve(recipe: recipe, overrides: ["name=a b"]).yaml(
            documented: true)
        #expect(
            text == """
                name: "a b"             # command line
                note: null              # default
                # Passes over the data.
                epochs: 800             # default
                seed: 0                 # default
                ratio: 0.75             # default
                isFast: true            # default
                target: pixels          # default
                model:
                  width: 192            # default
                  heads: 3              # default
                optim:
                  # Learning rate at batch size 256.
                  lr: 0.001             # r.yaml:1
                  betas: [0.9, 0.95]    # default
                  clip: null            # default
                  warmup: 40            # default
                ema: null               # default
                views:                  # r.yaml:2
                  - size: 224           # default
                    blur: true          # r.yaml:2
                steps:                  # default
                  - flip:
                      probability: 0.5  # default
                weights:
                  a: 1.0                # default
                  b: 2.0                # default
                sizes: null             # default

                """)
    }

    @Test(
        "the written YAML resolves to the same YAML",
        arguments: [
            ["name=true"], ["name=\"\\u0007 \\u0085 \\u2028 \\\" \\\\ é 😀\""], ["name=- x"],
            ["name="],
            ["name=12"], ["name=#a"], ["name=.5"], ["note=x: y"], ["note=''"], ["optim.lr=1e-300"],
            ["ratio=0.1"], ["views=[]"], ["ema.clip=2", "views=[{}, {size: 3}]"], ["weights={}"],
            ["weights={'a: b': 1, on: 2}"], ["steps=[{crop: {size: 1, scale: []}}]", "sizes=[]"],
        ])
    func roundTrip(overrides: [String]) throws {
        let first = try Sample.resolve(overrides: overrides)
        let recipe = try Recipe(yaml: first.yaml(), named: "config.yaml")
        let second = try Sample.resolve(recipe: recipe)
        #expect(first.value.name == second.value.name)
        #expect(first.settings.map(\.value) == second.settings.map(\.value))
        #expect(first.settings.map(\.key) == second.settings.map(\.key))
    }

    @Test("the written YAML of a documented list of sections resolves too")
    func documentedList() throws {
        struct Outer: Configuration { var parts = [Sample.Optim(), Sample.Optim()] }
        let text = try Outer.resolve().yaml(documented: true)
        let again = try Outer.resolve(recipe: Recipe(yaml: text, named: "x"))
        #expect(again.value.parts.count == 2)
    }
}
