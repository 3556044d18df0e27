import Foundation
import Optimizers
import Testing

@testable import Training

@Suite("What changes over a run") struct RunSchedulesTests {
    /// Learning rates as I-JEPA's and StoP's code counts them, in whole steps from 1.
    struct Published: CustomTestStringConvertible {
        var epochs = 5
        var warmup = 1
        var tail: Int? = nil
        var shape = ScheduleTail.constant
        let perEpoch = 4
        let start = 0.25
        let peak = 2.0
        let end = 0.5

        var testDescription: String {
            "\(epochs) epochs, \(warmup) of rise"
                + (tail.map { ", \(shape.rawValue) from \($0) on" } ?? "")
        }

        func rate(_ step: Int) -> Double {
            let (rise, length) = (warmup * perEpoch, epochs * perEpoch)
            func fall(_ step: Int) -> Double {
                let progress = Double(step - rise) / Double(max(1, length - rise))
                return max(end, end + (peak - end) * 0.5 * (1 + cos(.pi * progress)))
            }
            if step < rise { return start + Double(step) / Double(rise) * (peak - start) }
            guard let tail, step >= tail * perEpoch else { return fall(step) }
            let first = fall(tail * perEpoch)
            let line = Double(step - tail * perEpoch) / Double(max(1, length - tail * perEpoch))
            return shape == .constant ? first : first - line * (first - end)
        }
    }

    @Test(
        "learning rates of I-JEPA and StoP, tails inside the rise and runs of the rise alone too",
        arguments: [
            Published(), Published(warmup: 0), Published(epochs: 2, warmup: 2),
            Published(tail: 3), Published(tail: 3, shape: .linear),
            Published(warmup: 3, tail: 1), Published(warmup: 3, tail: 1, shape: .linear),
            Published(warmup: 2, tail: 0, shape: .linear),
        ])
    func published(_ published: Published) throws {
        var settings = ScheduleSettings()
        settings.epochs = Double(published.epochs)
        settings.warmupEpochs = Double(published.warmup)
        (settings.startLr, settings.minLr) = (published.start, published.end)
        settings.firstStep = 1
        if let tail = published.tail {
            settings.lrTail = TailSettings()
            settings.lrTail?.epoch = Double(tail)
            settings.lrTail?.shape = published.shape
        }
        try settings.validate()
        let schedules = RunSchedules(
            settings, peak: published.peak, weightDecay: 0, stepsPerEpoch: published.perEpoch)
        for step in 1...published.epochs * published.perEpoch {
            let rate = schedules.learningRate(at: step - 1)
            #expect(abs(rate - published.rate(step)) < 1e-12, "step \(step)")
        }
    }

    @Test("a part of an epoch ends with the run's last step")
    func fraction() throws {
        var settings = ScheduleSettings()
        (settings.epochs, settings.warmupEpochs, settings.firstStep) = (2.5, 1, 1)
        settings.minLr = 1e-6
        var tail = TailSettings()
        (tail.epoch, tail.shape) = (2, .linear)
        settings.lrTail = tail
        try settings.validate()
        let schedules = RunSchedules(settings, peak: 1e-3, weightDecay: 0, stepsPerEpoch: 9)
        // 22.5 steps are 23.
        #expect(schedules.learningRate(at: 21) > 1e-5)
        #expect(abs(schedules.learningRate(at: 22) - 1e-6) < 1e-15)
    }

    @Test("a tail that begins with a stretched schedule's last step is no line to itself")
    func lastStep() throws {
        var settings = ScheduleSettings()
        (settings.epochs, settings.warmupEpochs, settings.firstStep) = (1, 0, 1)
        // 10.5 steps are 10, as in I-JEPA.
        settings.stretch = 1.05
        settings.endWeightDecay = 0.5
        for tail in [\ScheduleSettings.lrTail, \.weightDecayTail] {
            settings[keyPath: tail] = TailSettings()
            settings[keyPath: tail]?.epoch = 1
            settings[keyPath: tail]?.shape = .linear
        }
        try settings.validate()
        let schedules = RunSchedules(settings, peak: 1, weightDecay: 0.25, stepsPerEpoch: 10)
        #expect(abs(schedules.learningRate(at: 9)) < 1e-15)
        #expect(abs(schedules.weightDecay(at: 9) - 0.5) < 1e-15)
    }
}
