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

/// A linear rise, then half a cosine down: the learning rate of MAE, I-JEPA and StoP.
///
/// e < w: start + (peak − start) · e / w;
/// then end + (peak − end) · ½ (1 + cos π (e − w) / (epochs − w)).
/// Loshchilov and Hutter, *SGDR* (2017); Goyal et al. 2017 for the rise.
public struct WarmupCosineSchedule: Schedule, Hashable {
    /// 0 in MAE.
    public let start: Double
    public let peak: Double
    public let end: Double
    /// w, the epochs of the rise.
    public let warmupEpochs: Double
    /// The epochs of rise and fall; the cosine would rise again after them.
    public let epochs: Double

    public init(
        from start: Double = 0, peak: Double, end: Double = 0, warmupEpochs: Double, epochs: Double
    ) {
        self.start = start
        self.peak = peak
        self.end = end
        self.warmupEpochs = warmupEpochs
        self.epochs = epochs
    }

    public func value(at epoch: Double) -> Double {
        if epoch < warmupEpochs { return start + epoch / warmupEpochs * (peak - start) }
        guard epochs > warmupEpochs else { return end }
        return halfCosine(peak, end, (epoch - warmupEpochs) / (epochs - warmupEpochs))
    }
}

/// A linear rise whose last step has the peak, then half a cosine down that begins with it again: the
/// learning rate of DINO and iBOT.
///
/// Step i < w of n: start + (peak − start) · i / (w − 1);
/// then end + (peak − end) · ½ (1 + cos π (i − w) / (n − w)).
public struct RepeatedPeakSchedule: Schedule, Hashable {
    /// 0 in DINO and iBOT.
    public let start: Double
    public let peak: Double
    public let end: Double
    /// Epochs of the rise, w steps.
    public let warmupEpochs: Double
    /// The epochs of rise and fall, n steps.
    public let epochs: Double
    public let stepsPerEpoch: Double

    public init(
        from start: Double = 0, peak: Double, end: Double, warmupEpochs: Double, epochs: Double,
        stepsPerEpoch: Int
    ) {
        self.start = start
        self.peak = peak
        self.end = end
        self.warmupEpochs = warmupEpochs
        self.epochs = epochs
        self.stepsPerEpoch = Double(stepsPerEpoch)
    }

    public func value(at epoch: Double) -> Double {
        let (step, rise) = (epoch * stepsPerEpoch, warmupEpochs * stepsPerEpoch)
        if epoch < warmupEpochs {
            return rise > 1 ? start + step / (rise - 1) * (peak - start) : start
        }
        guard epochs > warmupEpochs else { return end }
        return halfCosine(peak, end, (epoch - warmupEpochs) / (epochs - warmupEpochs))
    }
}

/// Half a cosine from one value to another, down or up: weight decay of DINO, iBOT, I-JEPA and StoP.
public struct CosineSchedule: Schedule, Hashable {
    public let start: Double
    public let end: Double
    /// After them the cosine would turn back.
    public let epochs: Double

    public init(from start: Double, to end: Double, epochs: Double) {
        self.start = start
        self.end = end
        self.epochs = epochs
    }

    public func value(at epoch: Double) -> Double { halfCosine(start, end, epoch / epochs) }
}

func halfCosine(_ start: Double, _ end: Double, _ progress: Double) -> Double {
    end + (start - end) * 0.5 * (1 + cos(.pi * progress))
}

/// What follows where a schedule is cut off.
public enum ScheduleTail: String, Codable, Sendable, CaseIterable {
    /// The value at the cut.
    case constant
    /// A straight line from there to the end.
    case linear
}

/// Another schedule with its last part replaced: StoP's learning rate and weight decay.
public struct TailedSchedule: Schedule {
    public let base: any Schedule
    /// The epoch in which the tail begins.
    public let tail: Double
    public let shape: ScheduleTail
    /// The value after `epochs`; a line goes on beyond them.
    public let end: Double
    public let epochs: Double

    public init(
        _ base: any Schedule, tail: Double, shape: ScheduleTail, end: Double, epochs: Double
    ) {
        self.base = base
        self.tail = tail
        self.shape = shape
        self.end = end
        self.epochs = epochs
    }

    public func value(at epoch: Double) -> Double {
        guard epoch >= tail else { return base.value(at: epoch) }
        let first = base.value(at: tail)
        guard shape == .linear else { return first }
        return first + (epoch - tail) / (epochs - tail) * (end - first)
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
