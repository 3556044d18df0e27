public import Configuration
public import Optimizers

/// How long a run is, and what changes over it.
public struct ScheduleSettings: Configuration {
    public var epochs = 400.0
    public var warmupEpochs = 40.0
    public var startLr = 0.0
    public var minLr = 0.0
    public var repeatsPeak = false
    public var lagged: LaggedSettings? = nil
    public var endWeightDecay: Double? = nil
    public var stretch = 1.0
    public var firstStep = 0
    public var lrTail: TailSettings? = nil
    public var weightDecayTail: TailSettings? = nil

    public init() {}

    public static var documentation: [String: String] {
        [
            "epochs": "passes over the pictures; a fraction stops inside the last",
            "warmupEpochs": "epochs in which the learning rate rises, cut to whole steps",
            "startLr": "learning rate at the start of the rise",
            "minLr": "learning rate at the end of the cosine",
            "repeatsPeak":
                "whether the rise ends at the peak itself, which the cosine then begins with "
                + "once more, as in DINO and iBOT",
            "lagged":
                "SimMIM's learning rate in place of the cosine after the rise, each value a step "
                + "late; null for the cosine",
            "endWeightDecay":
                "weight decay at the end of a cosine from optim.weightDecay; null for "
                + "the same throughout",
            "stretch":
                "schedules are made for so many times the epochs, so that the run ends before "
                + "they do (ipe_scale)",
            "firstStep": "where in the schedules the first step is: 0 as in MAE, 1 as in I-JEPA",
            "lrTail": "replaces the last part of the learning rate's cosine; null for none",
            "weightDecayTail": "replaces the last part of the weight decay's; null for none",
        ]
    }

    public func validate() throws {
        guard epochs > 0 else {
            throw ConfigurationError.invalid("epochs", found: epochs, expected: "a positive number")
        }
        guard (0...epochs).contains(warmupEpochs) else {
            throw ConfigurationError.invalid(
                "warmupEpochs", found: warmupEpochs,
                expected: "a number from 0 to epochs, \(epochs)")
        }
        guard stretch >= 1, stretch.isFinite else {
            throw ConfigurationError.invalid("stretch", found: stretch, expected: "1 or more")
        }
        guard (0...1).contains(firstStep) else {
            throw ConfigurationError.invalid("firstStep", found: firstStep, expected: "0 or 1")
        }
        if lagged != nil, repeatsPeak || lrTail != nil {
            throw ConfigurationError.invalid(
                "lagged", found: repeatsPeak ? "given with repeatsPeak" : "given with lrTail",
                expected: "one of them")
        }
        try notNegative(startLr, "startLr")
        try notNegative(minLr, "minLr")
        if let endWeightDecay { try notNegative(endWeightDecay, "endWeightDecay") }
        if weightDecayTail != nil, endWeightDecay == nil {
            throw ConfigurationError.invalid(
                "weightDecayTail", found: "given without endWeightDecay",
                expected: "null: the weight decay is the same throughout")
        }
        for (key, tail) in [("lrTail", lrTail), ("weightDecayTail", weightDecayTail)] {
            guard let tail, tail.epoch >= epochs * stretch else { continue }
            throw ConfigurationError.invalid(
                "\(key).epoch", found: tail.epoch,
                expected: "an epoch of the schedule, below \(epochs * stretch)")
        }
    }
}

/// The last part of a schedule.
public struct TailSettings: Configuration {
    public var epoch = 0.0
    public var shape = ScheduleTail.constant

    public init() {}

    public static var documentation: [String: String] {
        [
            "epoch":
                "where it begins; inside the rise of the learning rate it follows the rise, with "
                + "the cosine's value at this epoch",
            "shape": "constant keeps the value of that epoch; linear goes on to the end in a line",
        ]
    }

    public func validate() throws { try notNegative(epoch, "epoch") }
}
