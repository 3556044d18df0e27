import Evaluation
import Testing
import Torch

@Suite("Accuracy") struct AccuracyTests {
    @Test("the first, and the first five")
    func topK() {
        let scores = Tensor(
            [9, 8, 7, 6, 5, 4, 3, 9, 8, 7, 6, 5, 4, 3, 9, 8, 7, 6, 5, 4, 3] as [Float],
            shape: [3, 7])
        let accuracy = Accuracy(scores: scores, labels: Tensor([0, 4, 5]))
        #expect(accuracy.top1 == 100.0 / 3)
        #expect(accuracy.top5 == 200.0 / 3)
    }

    @Test("of equal scores the lower class comes first, in any order of computation")
    func ties() {
        let scores = Tensor.zeros([7, 7])
        let accuracy = Accuracy(scores: scores, labels: Tensor(Array(0..<7)))
        #expect(accuracy == Accuracy(top1: 100 / 7.0, top5: 500 / 7.0))
    }

    @Test("a score that is no number is never right")
    func diverged() {
        let nan = Float.nan
        let scores = Tensor([nan, nan, nan, nan, 1, 2] as [Float], shape: [3, 2])
        #expect(
            Accuracy(scores: scores, labels: Tensor([0, 1, 1]))
                == Accuracy(top1: 100 / 3.0, top5: 100 / 3.0))
    }

    @Test("fewer than five classes are always among the first five")
    func fewClasses() {
        let scores = Tensor([0, 1, 1, 0] as [Float], shape: [2, 2])
        #expect(
            Accuracy(scores: scores, labels: Tensor([0, 0])) == Accuracy(top1: 50, top5: 100))
    }
}

@Suite("Meters") struct MeterTests {
    @Test("the window forgets, the global average does not")
    func window() {
        var meter = Meter()
        for value in 1...(Meter.window + 10) { meter.update(Double(value)) }
        #expect(meter.globalAverage == Double(Meter.window + 11) / 2)
        #expect(meter.average == 10 + Double(Meter.window + 1) / 2)
        #expect(meter.median == Double(10 + Meter.window / 2))
    }

    @Test("a weight counts a value as often")
    func weights() {
        var meter = Meter()
        meter.update(1, weight: 3)
        meter.update(5)
        #expect(meter.globalAverage == 2)
    }
}
