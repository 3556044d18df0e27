public import Checkpoints
public import Configuration
public import Data
public import Imaging
public import Torch
public import VisionModels

/// Everything that decides the numbers of a run; saved resolved as `config.yaml` in its folder.
///
/// `Method` is the method's own section; it also sets from which defaults the others start.
public struct RunConfiguration<Method: MethodConfiguration>: Configuration {
    public var run = RunSettings()
    public var data = DataSettings()
    public var model = Method.Model()
    public var method = Method()
    public var optim = OptimizerSettings()
    public var schedule = ScheduleSettings()

    public init() { Method.setDefaults(of: &self) }

    public func validate() throws {
        guard run.parallel == 1 || !model.hasRunningStatistics else {
            throw ConfigurationError.invalid(
                "run.parallel", found: run.parallel, expected: "1 with batch norm in model.stem",
                advice: "parts that are computed at the same time would move its averages in any "
                    + "order; run.accumulation has them follow one another")
        }
        try Method.validate(self)
    }

    public static var documentation: [String: String] {
        [
            "run": "how the run is carried out", "data": "pictures and their augmentation",
            "model": "the encoder", "method": "the objective", "optim": "the optimiser",
            "schedule": "lengths and the learning rate over time",
        ]
    }
}

/// The settings of a pre-training method.
public protocol MethodConfiguration: Configuration {
    /// The shape of the encoder, the run's `model` section.
    associatedtype Model: EncoderConfiguration = VisionTransformer.Config

    /// Sets what the method's paper does otherwise than `RunConfiguration` has it: encoder, optimiser,
    /// schedule.
    static func setDefaults(of run: inout RunConfiguration<Self>)

    /// From a stored picture to the model's, where `data.augment` is null; its channels and
    /// normalisation do not count.
    static func augmentation(size: PixelSize) -> ImagePipeline

    /// The same for methods that see several views of a picture, the first of the model's size;
    /// `augmentation` alone where a method does not say.
    func views(size: PixelSize) -> [ImagePipeline]

    /// Throws `ConfigurationError` where a recipe's own views are not those that the method needs, a single
    /// one where it does not say, or the encoder cannot see one of them.
    func validate(views: [ImagePipeline], for model: Model) throws

    /// Throws `ConfigurationError` for settings of several sections that do not fit one another.
    static func validate(_ run: RunConfiguration<Self>) throws

    /// What is allowed but hardly meant, a sentence each; said when a run starts.
    static func warnings(_ run: RunConfiguration<Self>) -> [String]

    /// Where a run that goes on from a checkpoint of the method's own code does otherwise than that run
    /// did, by the arguments that the checkpoint keeps: a sentence each.
    static func differences(
        _ run: RunConfiguration<Self>, from arguments: [String: PlainValue]
    ) -> [String]
}

extension MethodConfiguration {
    public static func setDefaults(of run: inout RunConfiguration<Self>) {}

    public static func augmentation(size: PixelSize) -> ImagePipeline {
        .maskedAutoencoder(size: size)
    }

    public func views(size: PixelSize) -> [ImagePipeline] { [Self.augmentation(size: size)] }

    public func validate(views: [ImagePipeline], for model: Model) throws {
        guard views.count == 1 else {
            throw ConfigurationError.invalid(
                "data.views", found: "\(views.count) views",
                expected: "one: the method sees no other",
                advice: "data.augment has the steps of a single view")
        }
    }

    public static func validate(_ run: RunConfiguration<Self>) throws {}

    public static func warnings(_ run: RunConfiguration<Self>) -> [String] { [] }

    public static func differences(
        _ run: RunConfiguration<Self>, from arguments: [String: PlainValue]
    ) -> [String] { [] }
}

/// How a run is carried out.
public struct RunSettings: Configuration {
    public var method = ""
    public var seed: UInt64 = 0
    public var device = DeviceChoice.auto
    public var precision = Precision.auto
    public var threads: Int? = nil
    public var deterministic = true
    public var accumulation = 1
    public var parallel = 1
    public var activationCheckpointing = false
    public var logEvery = 10
    public var saveEvery = 1.0
    public var keep = 2
    public var probeEvery: Double? = nil
    public var maxNonFinite = 10
    public var continueFrom: String? = nil

    public init() {}

    /// The parts in which a step's pictures go through the model, at the same time or one after another.
    public var partCount: Int { accumulation * parallel }

    public static var documentation: [String: String] {
        [
            "method": "the pre-training method",
            "seed": "of weights, order, crops and masks",
            "device": "auto takes the first GPU, or the CPU",
            "precision": "of matrix products; auto takes bfloat16 where the device computes it "
                + "and float32 elsewhere; float16 scales the loss (CUDA only)",
            "threads": "of one operator on the CPU; null takes the cores and writes their number "
                + "here, because sums depend on it in the last bit",
            "deterministic": "on a GPU only sums whose order is fixed, so that a run repeats and "
                + "resumes to the bit, for 4 to 6 % of the speed; on the CPU that is always so",
            "accumulation": "parts in which a step's pictures go through the model, for less "
                + "memory; their gradients are averaged",
            "parallel":
                "parts of a step's pictures that the CPU computes at the same time, each on its "
                + "share of run.threads: faster for small models, whose operators are too short to "
                + "be split; gradients are averaged as with accumulation",
            "activationCheckpointing":
                "whether blocks keep their inputs alone for the backward pass, which computes the rest "
                + "again: less memory for a third more computation, and the same numbers",
            "logEvery": "steps between lines of metrics.jsonl",
            "saveEvery": "epochs between checkpoints",
            "keep": "checkpoints that are kept, besides the last",
            "probeEvery":
                "epochs between probes: k-NN accuracy where there are labels, rank and spread "
                + "of the features; in fine-tuning accuracy on the test pictures; null for none",
            "continueFrom":
                "a checkpoint of the method's own code, which the run goes on from while it "
                + "has none of its own",
            "maxNonFinite": "steps with a non-finite loss or gradient in a row that end the run",
        ]
    }

    public func validate() throws {
        try positive(accumulation, "accumulation")
        try positive(parallel, "parallel")
        try positive(logEvery, "logEvery")
        try positive(keep, "keep")
        try positive(maxNonFinite, "maxNonFinite")
        for (key, epochs) in [("saveEvery", saveEvery), ("probeEvery", probeEvery ?? 1)]
        where epochs <= 0 {
            throw ConfigurationError.invalid(
                key, found: epochs, expected: "a positive number of epochs")
        }
        if let threads { try positive(threads, "threads") }
    }
}

/// A device as a user names it.
public enum DeviceChoice: String, Codable, Sendable, CaseIterable {
    case auto
    case cpu
    case cuda

    /// The device itself.
    ///
    /// - Returns: with `auto` the first GPU, or the CPU where there is none.
    /// - Throws: `ConfigurationError` where a GPU is asked for and none can be used.
    public func resolve() throws -> Device {
        switch self {
        case .cpu: return .cpu
        case .auto: return Device.cudaCount > 0 ? .cuda(0) : .cpu
        case .cuda:
            guard Device.cudaCount > 0 else {
                throw ConfigurationError.invalid(
                    "run.device", found: "cuda", expected: "a device of this machine",
                    advice: "libtorch sees no GPU; `tessera doctor` says why")
            }
            return .cuda(0)
        }
    }
}

/// The type in which matrix products are computed.
public enum Precision: String, Codable, Sendable, CaseIterable {
    case auto
    case float32
    case bfloat16
    case float16

    /// The precision itself: with `auto` what the device computes fastest.
    ///
    /// - Throws: `ConfigurationError` for float16 on the CPU, most of which have no products in it.
    public func resolve(on device: Device) throws -> Precision {
        guard self != .float16 || device != .cpu else {
            throw ConfigurationError.invalid(
                "run.precision", found: rawValue, expected: "float32 or bfloat16 on the CPU")
        }
        guard self == .auto else { return self }
        return device != .cpu || TorchSettings.cpuHasBFloat16 ? .bfloat16 : .float32
    }

    /// What autocast casts to; nil for fp32.
    public var autocast: DType? {
        switch self {
        case .auto, .float32: nil
        case .bfloat16: .bfloat16
        case .float16: .float16
        }
    }
}

/// The optimiser.
public struct OptimizerSettings: Configuration {
    public var lr: Double? = nil
    public var baseLr = 1.5e-4
    public var betas = [0.9, 0.95]
    public var eps = 1e-8
    public var weightDecay = 0.05
    public var clip: Double? = nil
    public var clipEach = false
    public var clipsParts = false
    public var algorithm = OptimizerKind.adamw

    public init() {}

    public static var documentation: [String: String] {
        [
            "lr": "peak learning rate; null takes baseLr × images a step / 256",
            "baseLr": "learning rate for 256 images a step",
            "betas": "AdamW's β₁ and β₂", "eps": "AdamW's ε",
            "weightDecay":
                "not on vectors and biases; decoupled with adamw, part of the gradient with sgd and lars",
            "clip": "largest Euclidean norm of all gradients; null for no limit",
            "clipEach": "whether the limit holds for the gradient of each tensor by itself, as in "
                + "DINO and iBOT, instead of all together",
            "clipsParts": "whether the limit holds for the sum of gradients after each of a step's "
                + "parts, as in SimMIM, instead of all of them",
            "algorithm":
                "adamw, sgd or lars, the last two with a momentum of 0.9 and without betas "
                + "and eps",
        ]
    }

    public func validate() throws {
        guard betas.count == 2, betas.allSatisfy({ (0..<1).contains($0) }) else {
            throw ConfigurationError.invalid(
                "betas", found: "\(betas)", expected: "two numbers in [0, 1)")
        }
        for (key, value) in [
            ("lr", lr ?? 0), ("baseLr", baseLr), ("eps", eps), ("weightDecay", weightDecay),
        ] { try notNegative(value, key) }
        if let clip, clip <= 0 {
            throw ConfigurationError.invalid("clip", found: clip, expected: "a positive number")
        }
    }
}

/// The rule by which gradients change parameters.
public enum OptimizerKind: String, Codable, Sendable, CaseIterable {
    case adamw
    case sgd
    case lars
}

func positive(_ value: Int, _ key: String) throws {
    guard value > 0 else {
        throw ConfigurationError.invalid(key, found: value, expected: "a positive number")
    }
}

func notNegative(_ value: Double, _ key: String) throws {
    guard value >= 0 else {
        throw ConfigurationError.invalid(key, found: value, expected: "0 or a positive number")
    }
}
