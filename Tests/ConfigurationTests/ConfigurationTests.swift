import Configuration
import Testing

@Suite("Layers of a configuration") struct ConfigurationTests {
    private func resolve(_ yaml: String, _ overrides: String...) throws -> Sample {
        try Sample.resolve(recipe: Recipe(yaml: yaml, named: "r.yaml"), overrides: overrides).value
    }

    @Test("defaults stand when nothing is set")
    func defaults() throws {
        let value = try Sample.resolve().value
        #expect(value.optim.lr == 1.5e-4)
        #expect(value.optim.clip == nil)
        #expect(value.ema == nil)
        #expect(value.views.count == 1)
        #expect(value.weights == ["a": 1, "b": 2])
        for empty in ["", "# only a comment\n", "optim:\n  # lr: 1\n", "---\n"] {
            #expect(try resolve(empty).epochs == 800, "\(empty)")
        }
    }

    @Test("recipe over defaults, command line over recipe, the last one wins")
    func layers() throws {
        let yaml = """
            epochs: 300
            optim: {lr: 1e-3, warmup: 1_000}
            """
        let value = try resolve(yaml, "optim.lr=2e-3", "seed=7", "optim.lr=0.003")
        #expect(value.epochs == 300)
        #expect(value.optim.lr == 0.003)
        #expect(value.optim.warmup == 1000)
        #expect(value.optim.betas == [0.9, 0.95])
        #expect(value.seed == 7)
    }

    @Test("every kind of value can be set in the recipe and on the command line")
    func kinds() throws {
        let value = try resolve(
            "note: 012\nratio: 1\ntarget: features\nweights: {x: 3}", "isFast=false",
            "sizes=[96, 224]", "views=[{size: 96}, {blur: true}]",
            "steps=[{crop: {size: 8, scale: [0.2, 1]}}]", "name=a: [b # c", "ema.lr=1")
        #expect(value.note == "012")
        #expect(value.ratio == 1)
        #expect(value.target == .features)
        #expect(value.weights == ["x": 3])
        #expect(value.isFast == false)
        #expect(value.sizes == [96, 224])
        #expect(value.views.map(\.size) == [96, 224])
        #expect(value.views.map(\.blur) == [false, true])
        #expect(value.steps == [.crop(size: 8, scale: [0.2, 1])])
        #expect(value.name == "a: [b # c")
        #expect(value.ema?.lr == 1)
        #expect(value.ema?.warmup == 40)
    }

    @Test(
        "texts of the command line are taken as they are typed",
        arguments: [
            ("name=", ""), ("name=true", "true"), ("name='a b'", "a b"), ("name=007", "007"),
            ("name=/data/x y", "/data/x y"), ("name=a=b", "a=b"), ("name=null", "null"),
            ("name=[1, 2]", "[1, 2]"), ("name=*.jpg", "*.jpg"),
        ])
    func texts(override: String, expected: String) throws {
        #expect(try resolve("", override).name == expected)
    }

    @Test("nil is off: null, ~, nothing, off", arguments: ["null", "~", "", "off"])
    func off(word: String) throws {
        let yaml = "optim: {clip: 3}\nema: {lr: 1}\nsizes: [1]"
        #expect(try resolve(yaml).optim.clip == 3)
        let value = try resolve(yaml, "optim.clip=\(word)", "ema=\(word)", "sizes=\(word)")
        #expect(value.optim.clip == nil)
        #expect(value.ema == nil)
        #expect(value.sizes == nil)
        let inFile = try resolve("optim: {clip: \(word)}\nema: \(word)")
        #expect(inFile.optim.clip == nil)
        #expect(inFile.ema == nil)
    }

    @Test("off stays a value where it is one")
    func offAsValue() throws {
        #expect(try resolve("", "target=off").target == .off)
        #expect(try resolve("", "note=off").note == "off")
        #expect(try resolve("", "note=null").note == nil)
    }

    @Test("an optional section is switched on by one of its keys, or as a whole")
    func optionalSection() throws {
        #expect(try resolve("ema: {}").ema?.lr == 1.5e-4)
        #expect(try resolve("", "ema.warmup=2").ema?.warmup == 2)
        #expect(try resolve("ema: {lr: 5}", "ema.warmup=2").ema?.lr == 5)
        #expect(try resolve("ema: {lr: 5}", "ema=off", "ema.warmup=2").ema?.lr == 1.5e-4)
    }

    @Test("aliases are put in")
    func aliases() throws {
        let value = try resolve("optim: &o {lr: 9}\nema: *o")
        #expect(value.ema?.lr == 9)
    }

    @Test("a recipe tells one value before its type is known")
    func peek() throws {
        let recipe = try Recipe(yaml: "method: mae\na: {b: 2}", named: "r.yaml")
        #expect(recipe.text(at: "method") == "mae")
        #expect(recipe.text(at: "a.b") == "2")
        #expect(recipe.text(at: "a") == nil)
        #expect(recipe.text(at: "a.b.c") == nil)
        #expect(recipe.text(at: "x") == nil)
    }
}
