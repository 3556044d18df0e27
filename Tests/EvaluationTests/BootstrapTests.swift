import Evaluation
import Testing

@Suite("Intervals of confidence") struct BootstrapTests {
    private func ranks(_ count: Int, right: Int) -> TestRanks {
        TestRanks((0..<count).map { $0 < right ? 0 : 7 })
    }

    @Test("as wide as the normal approximation", arguments: [0.1, 0.5, 0.9])
    func width(share: Double) {
        let count = 400
        let interval = Bootstrap().intervals(of: [ranks(count, right: Int(share * 400))])[0].top1
        let expected = 100 * 1.96 * (share * (1 - share) / Double(count)).squareRoot()
        #expect(abs(interval.low - (100 * share - expected)) < 0.15 * expected)
        #expect(abs(interval.high - (100 * share + expected)) < 0.15 * expected)
        #expect(interval.level == 0.95)
    }

    @Test("the seed decides, and nothing else")
    func seed() {
        let results = [ranks(997, right: 330), ranks(997, right: 660)]
        let both = Bootstrap(seed: 3).intervals(of: results)
        #expect(both[1].top1 == Bootstrap(seed: 3).intervals(of: [results[1]])[0].top1)
        #expect(both[0].top1 != Bootstrap(seed: 4).intervals(of: results)[0].top1)
        #expect(both[0].top1 == Bootstrap(seed: 3).interval(of: results[0].values.map { $0 == 0 }))
    }

    @Test("what is always right has no width; top-5 counts ranks below five")
    func ends() {
        let sure = Bootstrap().intervals(of: [TestRanks([0, 0, 0, 0])])[0]
        #expect(sure.top1.low == 100 && sure.top1.high == 100)
        let second = Bootstrap().intervals(of: [TestRanks([4, 4, 4, 5])])[0]
        #expect(second.top1.high == 0 && second.top5.high == 100 && second.top5.low < 75)
        #expect(TestRanks([4, 4, 4, 5]).accuracy == Accuracy(top1: 0, top5: 75))
    }

    @Test("a higher confidence is wider")
    func level() {
        let result = [ranks(100, right: 50)]
        let narrow = Bootstrap(level: 0.5).intervals(of: result)[0].top1
        let wide = Bootstrap(level: 0.99).intervals(of: result)[0].top1
        #expect(wide.low < narrow.low && narrow.high < wide.high)
    }
}
