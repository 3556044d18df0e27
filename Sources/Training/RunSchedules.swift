import Optimizers

/// What changes over a run, as functions of the step.
public struct RunSchedules: Sendable {
    private let rate: any Schedule
    private let floor: any Schedule
    private let decay: any Schedule
    private let decayRange: ClosedRange<Double>
    private let stepsPerEpoch: Double
    private let firstStep: Double
    /// The number of steps that the schedules are made for.
    public let length: Double

    /// - Parameters:
    ///   - settings: validated.
    ///   - peak: the learning rate after the rise.
    ///   - weightDecay: at the start.
    ///   - stepsPerEpoch: above 0.
    public init(
        _ settings: ScheduleSettings, peak: Double, weightDecay: Double, stepsPerEpoch: Int
    ) {
        let steps = Double(stepsPerEpoch)
        length = settings.epochs * settings.stretch * steps
        // Rise and fall begin and end with a step; the shortest run has one. A part of an epoch ends with
        // the run's last step, a stretched schedule where I-JEPA's does.
        let (warmup, epochs) = (
            (settings.warmupEpochs * steps).rounded(.down) / steps,
            max(settings.stretch == 1 ? Self.wholeSteps(length) : length.rounded(.down), 1) / steps
        )
        func tailed(_ base: any Schedule, _ tail: TailSettings?, _ end: Double) -> any Schedule {
            guard let tail else { return base }
            // A step at least, as the fall below: there is no line from an epoch to itself.
            return TailedSchedule(
                base, tail: tail.epoch, shape: tail.shape, end: end,
                epochs: max(epochs, tail.epoch + 1 / steps))
        }
        rate =
            settings.lagged?.schedule(settings, peak: peak, stepsPerEpoch: stepsPerEpoch)
            ?? WarmupSchedule(
                from: settings.startLr, to: peak, epochs: warmup,
                repeatingPeakAt: settings.repeatsPeak ? stepsPerEpoch : nil,
                then: tailed(
                    // A step at least, so that a run of the rise alone ends with its peak.
                    CosineSchedule(
                        from: peak, to: settings.minLr, after: warmup,
                        epochs: max(epochs, warmup + 1 / steps)),
                    settings.lrTail, settings.minLr))
        // The start and the end of those schedules are the same for all layers.
        floor =
            settings.lagged?.schedule(settings, peak: 0, stepsPerEpoch: stepsPerEpoch)
            ?? ConstantSchedule(0)
        decay =
            settings.endWeightDecay.map { end in
                tailed(
                    CosineSchedule(from: weightDecay, to: end, epochs: epochs),
                    settings.weightDecayTail, end)
            } ?? ConstantSchedule(weightDecay)
        let lastDecay = settings.endWeightDecay ?? weightDecay
        decayRange = min(weightDecay, lastDecay)...max(weightDecay, lastDecay)
        self.stepsPerEpoch = steps
        firstStep = Double(settings.firstStep)
    }

    /// As many steps as reach so many: 0.55 epochs of 100 are 55, though their product is a little more.
    static func wholeSteps(_ steps: Double) -> Double { (steps * (1 - 1e-12)).rounded(.up) }

    /// Given ones, in epochs, for `length` steps.
    init(rate: any Schedule, decay: any Schedule, stepsPerEpoch: Int, length: Double) {
        (self.rate, self.decay, self.length) = (rate, decay, length)
        floor = ConstantSchedule(0)
        decayRange = 0...Double.infinity
        self.stepsPerEpoch = Double(stepsPerEpoch)
        firstStep = 0
    }

    /// Those of a run.
    ///
    /// - Parameters:
    ///   - run: validated.
    ///   - stepsPerEpoch: above 0.
    public init<Method>(_ run: RunConfiguration<Method>, stepsPerEpoch: Int) {
        self.init(
            run.schedule, peak: run.peakLearningRate, weightDecay: run.optim.weightDecay,
            stepsPerEpoch: stepsPerEpoch)
    }

    /// The learning rate of a step, counted from 0.
    public func learningRate(at step: Int) -> Double { rate.value(at: epoch(step)) }

    /// The part of a step's learning rate that the scales of layers leave alone.
    public func learningRateFloor(at step: Int) -> Double { floor.value(at: epoch(step)) }

    /// The weight decay of a step, counted from 0.
    public func weightDecay(at step: Int) -> Double {
        // Beyond the end a line would go on.
        min(max(decay.value(at: epoch(step)), decayRange.lowerBound), decayRange.upperBound)
    }

    private func epoch(_ step: Int) -> Double { (Double(step) + firstStep) / stepsPerEpoch }
}

extension RunConfiguration {
    /// The learning rate after the rise.
    public var peakLearningRate: Double {
        optim.lr ?? scaledLearningRate(base: optim.baseLr, batch: data.batchSize)
    }
}
