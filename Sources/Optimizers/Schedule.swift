import Foundation

/// A value that changes over training, as a function of the position alone.
///
/// Positions are in epochs with their fraction: step / steps an epoch. A resumed run is where its
/// step says; there is no state to save.
public protocol Schedule: Sendable {
    func value(at epoch: Double) -> Double
}

/// The same value throughout.
public struct ConstantSchedule: Schedule, Hashable {
    public let value: Double

    public init(_ value: Double) {
        self.value = value
    }

    public func value(at epoch: Double) -> Double { value }
}

/// A linear rise from 0, then half a cosine down: MAE's learning rate.
///
/// e < w: peak · e / w; then end + (peak − end) · ½ (1 + cos π (e − w) / (epochs − w)).
/// Loshchilov and Hutter, *SGDR* (2017); Goyal et al. 2017 for the rise.
public struct WarmupCosineSchedule: Schedule, Hashable {
    public let peak: Double
    public let end: Double
    /// w, the epochs of the rise.
    public let warmupEpochs: Double
    /// The epochs of the run, the rise included.
    public let epochs: Double

    /// A schedule that ends at `end` after `epochs`; after that the cosine would go on, so positions
    /// beyond give `end`.
    public init(peak: Double, end: Double = 0, warmupEpochs: Double, epochs: Double) {
        self.peak = peak
        self.end = end
        self.warmupEpochs = warmupEpochs
        self.epochs = epochs
    }

    public func value(at epoch: Double) -> Double {
        if epoch < warmupEpochs { return peak * epoch / warmupEpochs }
        guard epoch < epochs else { return end }
        let progress = (epoch - warmupEpochs) / (epochs - warmupEpochs)
        return end + (peak - end) * 0.5 * (1 + cos(.pi * progress))
    }
}

/// Half a cosine from one value to another, down or up: weight decay and momentum of DINO, iBOT and
/// I-JEPA.
public struct CosineSchedule: Schedule, Hashable {
    public let start: Double
    public let end: Double
    public let epochs: Double

    public init(from start: Double, to end: Double, epochs: Double) {
        self.start = start
        self.end = end
        self.epochs = epochs
    }

    public func value(at epoch: Double) -> Double {
        guard epoch < epochs else { return end }
        return end + (start - end) * 0.5 * (1 + cos(.pi * epoch / epochs))
    }
}

/// The learning rate for a batch: base · images a step / 256, Goyal et al., *Accurate, Large
/// Minibatch SGD* (2017).
///
/// - Parameters:
///   - base: at 256 images a step (`blr` of MAE).
///   - batch: images a process and a backward pass.
///   - accumulation: backward passes a step.
///   - worldSize: processes.
/// - Returns: the learning rate to schedule.
public func scaledLearningRate(
    base: Double, batch: Int, accumulation: Int = 1, worldSize: Int = 1
) -> Double {
    base * Double(batch * accumulation * worldSize) / 256
}
