import Configuration

/// A configuration with every kind of setting.
struct Sample: Configuration {
    enum Target: String, Codable, CaseIterable { case pixels, features, off }
    enum Step: Codable, Equatable {
        case crop(size: Int, scale: [Double])
        case flip(probability: Double)
    }
    struct Optim: Configuration {
        var lr = 1.5e-4
        var betas = [0.9, 0.95]
        var clip: Double?
        var warmup: Int = 40
        static let documentation = ["lr": "Learning rate at batch size 256."]
    }
    struct Model: Configuration {
        var width = 192
        var heads = 3
        func validate() throws {
            if heads <= 0 || width % heads != 0 {
                throw ConfigurationError.invalid(
                    "heads", found: heads, expected: "a divisor of the width \(width)")
            }
        }
    }
    struct View: Configuration {
        var size = 224
        var blur = false
    }

    var name = "run"
    var note: String?
    var epochs = 800
    var seed: UInt64 = 0
    var ratio: Float = 0.75
    var isFast = true
    var target = Target.pixels
    var model = Model()
    var optim = Optim()
    var ema: Optim?
    var views = [View()]
    var steps: [Step] = [.flip(probability: 0.5)]
    var weights: [String: Double] = ["b": 2, "a": 1]
    var sizes: [Int]?
    static let documentation = ["epochs": "Passes over the data."]
}

/// The text of the error that `body` throws.
func message(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "no error"
    } catch {
        return "\(error)"
    }
}

/// The text of the error that a recipe, overrides or both give.
func message(_ yaml: String = "", _ overrides: String...) -> String {
    message {
        _ = try Sample.resolve(recipe: Recipe(yaml: yaml, named: "r.yaml"), overrides: overrides)
    }
}
