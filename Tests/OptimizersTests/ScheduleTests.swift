import Optimizers
import Testing

@Suite("Schedules") struct ScheduleTests {
    @Test(
        "warm-up and cosine: ends, rise, fall",
        arguments: [(0.0, 0.0), (0.0, 10.0), (1e-3, 5.0), (0.5, 39.5)])
    func warmupCosine(end: Double, warmup: Double) {
        let schedule = WarmupCosineSchedule(
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
        #expect(schedule.value(at: 40) == end)
        #expect(schedule.value(at: 1000) == end)
    }

    @Test("a run of warm-up alone has no cosine to divide by")
    func onlyWarmup() {
        let schedule = WarmupCosineSchedule(peak: 1, end: 0.25, warmupEpochs: 5, epochs: 5)
        #expect(schedule.value(at: 2.5) == 0.5)
        #expect(schedule.value(at: 5) == 0.25)
    }

    @Test("the cosine runs both ways")
    func cosine() {
        for (start, end) in [(0.04, 0.4), (0.4, 0.04)] {
            let schedule = CosineSchedule(from: start, to: end, epochs: 8)
            #expect(abs(schedule.value(at: 0) - start) < 1e-15)
            #expect(abs(schedule.value(at: 4) - 0.22) < 1e-12)
            #expect(schedule.value(at: 8) == end)
            #expect(schedule.value(at: 9) == end)
        }
        #expect(ConstantSchedule(3).value(at: 7) == 3)
    }

    @Test("the learning rate scales with the images a step")
    func scaling() {
        #expect(scaledLearningRate(base: 1.5e-4, batch: 64, accumulation: 2, worldSize: 8) == 6e-4)
        #expect(scaledLearningRate(base: 0.1, batch: 256) == 0.1)
    }
}
