public import Configuration
public import Data
import NN
import Torch

/// Pictures and labels of a batch mixed with one another: mixup and CutMix, as timm does it.
public struct MixingSettings: Configuration, Hashable {
    public var mixup = 0.8
    public var cutmix = 1.0
    public var cutmixMinMax: [Double]? = nil
    public var probability = 1.0
    public var switchProbability = 0.5
    public var mode = Mixing.Mode.batch

    public init() {}

    public static var documentation: [String: String] {
        [
            "mixup": "α of mixup's λ ~ Beta(α, α); 0 for none",
            "cutmix": "the same of CutMix",
            "cutmixMinMax":
                "least and greatest part of each side of a picture that CutMix replaces; null "
                + "for √(1 − λ)",
            "probability": "how often a batch is mixed at all",
            "switchProbability": "how often it is CutMix, where both are on",
            "mode": "what a λ is drawn for: batch, pair, or elem for each picture",
        ]
    }

    public func validate() throws {
        do {
            try mixing(smoothing: 0).validate()
        } catch let error as DataError {
            throw ConfigurationError.invalid("mixup", found: mixup, expected: "\(error)")
        }
    }

    /// With the labels' share that is spread over all classes.
    func mixing(smoothing: Double) -> Mixing {
        var mixing = Mixing(mixupAlpha: mixup, cutmixAlpha: cutmix, mode: mode)
        mixing.cutmixMinMax = cutmixMinMax
        mixing.probability = probability
        mixing.switchProbability = switchProbability
        mixing.smoothing = smoothing
        return mixing
    }
}

/// A moving average of the weights, which is scored and exported in their place.
public struct AverageSettings: Configuration, Hashable {
    public var decay = 0.9999
    public var warmup = false
    public var leads = true

    public init() {}

    public static var documentation: [String: String] {
        [
            "decay": "what is kept of the average in each step",
            "leads":
                "whether the average is the run's result, which chooses the best checkpoint and is "
                + "evaluated and exported; false has it scored beside the trained weights",
            "warmup":
                "whether it begins lower: the lesser of decay and (1 + t) / (10 + t) in step t, for "
                + "short runs",
        ]
    }

    public func validate() throws {
        guard (0..<1).contains(decay) else {
            throw ConfigurationError.invalid(
                "decay", found: decay, expected: "a number in [0, 1), such as 0.9999")
        }
    }

    /// What is kept in a step, counted from 0.
    func momentum(atStep step: Int) -> Double {
        warmup ? min(decay, Double(1 + step) / Double(10 + step)) : decay
    }
}

/// Which layers of a pre-trained projection head stay between encoder and classifier.
public struct ProjectionSettings: Configuration, Hashable {
    public var layer = 1
    public var depth = 3
    public var width = 2048
    public var bottleneck = 256
    public var prototypes = 8192

    public init() {}

    public static var documentation: [String: String] {
        [
            "layer":
                "how many layers stay: 1 in iBOT's semi-supervised runs; depth for all of them "
                + "with the prototypes",
            "depth": "linear layers of the projection head; taken from the weights",
            "width": "the length of its hidden layers; taken from the weights",
            "bottleneck": "the length of what is compared with prototypes; taken from the weights",
            "prototypes": "their number; taken from the weights",
        ]
    }

    public func validate() throws {
        for (key, value) in [
            ("depth", depth), ("width", width), ("bottleneck", bottleneck),
            ("prototypes", prototypes),
        ] where value < 1 {
            throw ConfigurationError.invalid(key, found: value, expected: "a positive number")
        }
        guard (1...depth).contains(layer) else {
            throw ConfigurationError.invalid(
                "layer", found: layer, expected: "1 to \(depth), the layers of the projection head")
        }
    }

    /// The sizes of a projection head; nil for one with norms or without a bottleneck.
    public init?(of head: ProjectionHead) {
        let shapes = Dictionary(
            uniqueKeysWithValues: head.stateDict.map { ($0.name, $0.tensor.shape) })
        let linear = shapes.filter { $0.key.hasPrefix("mlp.") && $0.key.hasSuffix(".weight") }
        let numbers = linear.keys.compactMap { Int($0.dropFirst(4).dropLast(7)) }.sorted()
        guard numbers == numbers.indices.map({ 2 * $0 }), let last = numbers.last,
            let first = linear["mlp.0.weight"], let end = linear["mlp.\(last).weight"],
            let vectors = shapes["last_layer.weight_v"],
            linear.values.allSatisfy({ $0.count == 2 }), vectors.count == 2
        else { return nil }
        (depth, width) = (numbers.count, first[0])
        (bottleneck, prototypes) = (end[0], vectors[0])
    }

    var form: HeadForm {
        var form = HeadForm()
        (form.depth, form.width, form.bottleneck) = (depth, width, bottleneck)
        return form
    }
}
