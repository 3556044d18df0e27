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

/// A linear rise to a peak, then another schedule: the learning rate of nearly all methods.
///
/// e < w: start + (peak − start) · e / w; from w on, what follows says. Goyal et al. 2017.
public struct WarmupSchedule: Schedule {
    /// 0 in MAE, DINO and iBOT.
    public let start: Double
    public let peak: Double
    /// w, the epochs of the rise.
    public let epochs: Double
    /// Steps an epoch, where the last step of the rise has the peak itself, with which what follows
    /// begins once more, as in DINO and iBOT: step i of w steps is start + (peak − start) · i / (w − 1).
    public let repeatedPeak: Int?
    /// Its positions begin with the rise.
    public let next: any Schedule

    public init(
        from start: Double = 0, to peak: Double, epochs: Double, repeatingPeakAt steps: Int? = nil,
        then next: any Schedule
    ) {
        self.start = start
        self.peak = peak
        self.epochs = epochs
        repeatedPeak = steps
        self.next = next
    }

    /// A rise, then half a cosine down, whose end is after `epochs` in all: MAE, I-JEPA, iBOT.
    public init(
        from start: Double = 0, peak: Double, end: Double = 0, warmupEpochs: Double,
        epochs: Double, repeatingPeakAt steps: Int? = nil
    ) {
        self.init(
            from: start, to: peak, epochs: warmupEpochs, repeatingPeakAt: steps,
            then: CosineSchedule(from: peak, to: end, after: warmupEpochs, epochs: epochs))
    }

    public func value(at epoch: Double) -> Double {
        guard epoch < epochs else { return next.value(at: epoch) }
        guard let repeatedPeak else { return start + epoch / epochs * (peak - start) }
        let (step, last) = (epoch * Double(repeatedPeak), epochs * Double(repeatedPeak) - 1)
        return last > 0 ? start + step / last * (peak - start) : start
    }
}

/// Half a cosine from one value to another, down or up: weight decay of DINO, iBOT, I-JEPA and StoP,
/// and what follows a rise.
///
/// end + (start − end) · ½ (1 + cos π (e − w) / (epochs − w)).
/// Loshchilov and Hutter, *SGDR* (2017).
public struct CosineSchedule: Schedule, Hashable {
    public let start: Double
    public let end: Double
    /// w, the epochs before it.
    public let begin: Double
    /// Those before it included; after them the cosine would turn back.
    public let epochs: Double

    public init(from start: Double, to end: Double, after begin: Double = 0, epochs: Double) {
        self.start = start
        self.end = end
        self.begin = begin
        self.epochs = epochs
    }

    public func value(at epoch: Double) -> Double {
        guard epochs > begin else { return end }
        return halfCosine(start, end, (epoch - begin) / (epochs - begin))
    }
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
