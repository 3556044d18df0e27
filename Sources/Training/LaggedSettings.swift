public import Configuration
import Optimizers

/// The learning rate as SimMIM's and DeiT's code makes it, in place of rise and cosine.
public struct LaggedSettings: Configuration {
    public var shape = Shape.cosine
    public var milestones: [Double] = []
    public var every = 30.0
    public var factor = 0.1
    public var perEpoch = false

    public enum Shape: String, Codable, Sendable, CaseIterable {
        case cosine
        case linear
        case step
        case multistep
    }

    public init() {}

    public static var documentation: [String: String] {
        [
            "shape":
                "cosine over the whole run, the rise included; linear; step falls every so many "
                + "epochs; multistep at milestones",
            "milestones": "epochs at which multistep falls",
            "every": "epochs between the falls of step",
            "factor": "what a fall multiplies the rate with",
            "perEpoch":
                "whether the rate changes between epochs alone, each value an epoch late, as in DeiT",
        ]
    }

    public func validate() throws {
        guard every > 0 else {
            throw ConfigurationError.invalid("every", found: every, expected: "a positive number")
        }
        guard factor > 0, factor <= 1 else {
            throw ConfigurationError.invalid(
                "factor", found: factor, expected: "a number above 0, at most 1")
        }
        guard shape == .multistep || milestones.isEmpty else {
            throw ConfigurationError.invalid(
                "milestones", found: "\(milestones)", expected: "[] with \(shape.rawValue)")
        }
        guard zip(milestones, milestones.dropFirst()).allSatisfy(<),
            milestones.allSatisfy({ $0 > 0 })
        else {
            throw ConfigurationError.invalid(
                "milestones", found: "\(milestones)", expected: "ascending positive epochs")
        }
    }

    /// The schedule of a run.
    func schedule(_ settings: ScheduleSettings, peak: Double, stepsPerEpoch: Int) -> any Schedule {
        let unit = perEpoch ? 1 : stepsPerEpoch
        func steps(_ epochs: Double) -> Int { Int((epochs * Double(unit)).rounded(.down)) }
        let form: LaggedSchedule.Shape =
            switch shape {
            case .cosine: .cosine(end: settings.minLr)
            case .linear: .linear
            case .step: .step(every: max(1, steps(every)), factor: factor)
            case .multistep: .multistep(milestones: milestones.map(steps), factor: factor)
            }
        let schedule = LaggedSchedule(
            form, from: settings.startLr, peak: peak, warmupSteps: steps(settings.warmupEpochs),
            steps: steps(settings.epochs * settings.stretch), stepsPerEpoch: unit)
        return perEpoch ? EpochwiseSchedule(schedule) : schedule
    }
}
