import Optimizers
import Testing

@Suite("Schedules") struct ScheduleTests {
    @Test(
        "warm-up and cosine: ends, rise, fall",
        arguments: [(0.0, 0.0), (0.0, 10.0), (1e-3, 5.0), (0.5, 39.5)])
    func warmupCosine(end: Double, warmup: Double) {
        let schedule = WarmupSchedule(
            peak: 2, end: end, warmupEpochs: warmup, epochs: 40)
        let points = stride(from: 0.0, to: 40, by: 0.125).map { $0 }
        for (before, after) in zip(points, points.dropFirst()) {
            let (a, b) = (schedule.value(at: before), schedule.value(at: after))
            if after <= warmup { #expect(b > a) }
            if before >= warmup { #expect(b < a) }
        }
        #expect(schedule.value(at: 0) == (warmup == 0 ? 2 : 0))
        #expect(schedule.value(at: warmup) == 2)
        #expect(abs(schedule.value(at: (warmup + 40) / 2) - (2 + end) / 2) < 1e-12)
        #expect(abs(schedule.value(at: 40) - end) < 1e-15)
    }

    @Test("a run of warm-up alone has no cosine to divide by")
    func onlyWarmup() {
        let schedule = WarmupSchedule(peak: 1, end: 0.25, warmupEpochs: 5, epochs: 5)
        #expect(schedule.value(at: 2.5) == 0.5)
        #expect(schedule.value(at: 5) == 0.25)
    }

    @Test("the cosine runs both ways")
    func cosine() {
        for (start, end) in [(0.04, 0.4), (0.4, 0.04)] {
            let schedule = CosineSchedule(from: start, to: end, epochs: 8)
            #expect(abs(schedule.value(at: 0) - start) < 1e-15)
            #expect(abs(schedule.value(at: 4) - 0.22) < 1e-12)
            #expect(abs(schedule.value(at: 8) - end) < 1e-15)
        }
        #expect(ConstantSchedule(3).value(at: 7) == 3)
    }

    @Test("a rise from above zero")
    func start() {
        let schedule = WarmupSchedule(from: 1, peak: 2, end: 0, warmupEpochs: 4, epochs: 8)
        #expect(schedule.value(at: 0) == 1 && schedule.value(at: 2) == 1.5)
        #expect(schedule.value(at: 4) == 2)
    }

    @Test("a rise whose last step has the peak, with which the fall begins once more")
    func repeatedPeak() {
        let schedule = WarmupSchedule(
            from: 1, peak: 4, end: 0, warmupEpochs: 1, epochs: 2, repeatingPeakAt: 4)
        #expect((0..<5).map { schedule.value(at: Double($0) / 4) } == [1, 2, 3, 4, 4])
        // A rise of one step has no second point to go to.
        let short = WarmupSchedule(peak: 4, warmupEpochs: 1, epochs: 2, repeatingPeakAt: 1)
        #expect(short.value(at: 0) == 0 && short.value(at: 1) == 4)
    }

    @Test("tails are constant, or lines")
    func tails() {
        struct Line: Schedule {
            func value(at epoch: Double) -> Double { 8 - epoch }
        }
        func tail(_ shape: ScheduleTail, end: Double) -> TailedSchedule {
            TailedSchedule(Line(), tail: 4, shape: shape, end: end, epochs: 8)
        }
        for shape in ScheduleTail.allCases {
            #expect(tail(shape, end: 2).value(at: 3) == 5 && tail(shape, end: 2).value(at: 4) == 4)
        }
        #expect(tail(.constant, end: 2).value(at: 7) == 4)
        #expect(tail(.linear, end: 2).value(at: 6) == 3 && tail(.linear, end: 2).value(at: 8) == 2)
        #expect(tail(.linear, end: 6).value(at: 6) == 5 && tail(.linear, end: 6).value(at: 8) == 6)
    }

    @Test("the learning rate scales with the images a step")
    func scaling() {
        #expect(scaledLearningRate(base: 1.5e-4, batch: 64, accumulation: 2, worldSize: 8) == 6e-4)
        #expect(scaledLearningRate(base: 0.1, batch: 256) == 0.1)
    }
}
