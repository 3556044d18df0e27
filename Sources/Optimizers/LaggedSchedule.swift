/// The learning rate of SimMIM, Swin and timm's step-wise schedulers: each step takes the value that was made
/// for the step before, the first one the start of the rise.
///
/// With t steps before that, w of the rise, n in all: start + t (peak − start) / w while t < w; then
///
/// * cosine: end + ½ (peak − end) (1 + cos π t / n), which does not begin at the peak: the rise counts
/// * linear: peak (1 − 0.99 (t − w) / (n − w))
/// * step: peak · γ^⌊t / d⌋, d steps between falls
/// * multistep: peak · γ^(milestones ≤ t)
public struct LaggedSchedule: Schedule, Hashable {
    public enum Shape: Hashable, Sendable {
        case cosine(end: Double)
        case linear
        case step(every: Int, factor: Double)
        case multistep(milestones: [Int], factor: Double)
    }

    public let shape: Shape
    public let start: Double
    public let peak: Double
    /// w.
    public let warmupSteps: Int
    /// n.
    public let steps: Int
    public let stepsPerEpoch: Int

    public init(
        _ shape: Shape, from start: Double, peak: Double, warmupSteps: Int, steps: Int,
        stepsPerEpoch: Int
    ) {
        self.shape = shape
        self.start = start
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.steps = steps
        self.stepsPerEpoch = stepsPerEpoch
    }

    public func value(at epoch: Double) -> Double {
        value(atStep: Int((epoch * Double(stepsPerEpoch)).rounded()))
    }

    /// The value of a step, counted from 0.
    public func value(atStep step: Int) -> Double {
        guard step > 0 else { return warmupSteps > 0 ? start : peak }
        let t = step - 1
        if t < warmupSteps {
            return start + Double(t) * (peak - start) / Double(warmupSteps)
        }
        switch shape {
        case .cosine(let end):
            return t < steps ? halfCosine(peak, end, Double(t) / Double(steps)) : end
        case .linear:
            return peak
                * (1 - 0.99 * Double(t - warmupSteps) / Double(max(steps - warmupSteps, 1)))
        case .step(let every, let factor):
            return peak * power(factor, t / every)
        case .multistep(let milestones, let factor):
            return peak * power(factor, milestones.count { $0 <= t })
        }
    }

    private func power(_ factor: Double, _ count: Int) -> Double {
        (0..<count).reduce(1) { value, _ in value * factor }
    }
}

/// A schedule that changes between epochs alone: within one the value at its start holds.
public struct EpochwiseSchedule: Schedule {
    public let base: any Schedule

    public init(_ base: any Schedule) {
        self.base = base
    }

    public func value(at epoch: Double) -> Double { base.value(at: epoch.rounded(.down)) }
}
