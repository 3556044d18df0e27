import Foundation
import Testing

@testable import Data

@Suite("Counter-based randomness") struct CounterRandomTests {
    /// The known answers published with the algorithm.
    @Test func philoxGivesThePublishedAnswers() {
        let ones = UInt32.max
        #expect(
            philox((0, 0, 0, 0), key: (0, 0))
                == (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        #expect(
            philox((ones, ones, ones, ones), key: (ones, ones))
                == (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            philox(
                (0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
                key: (0xa409_3822, 0x299f_31d0))
                == (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    @Test func everyCoordinateOpensAnotherStream() {
        var starts: Set<UInt64> = []
        var streams = 0
        for seed in [0, 1, 1 << 40] as [UInt64] {
            for purpose in RandomPurpose.allCases {
                for epoch in [0, 1, 70_000] {
                    for sample in [0, 1, 1 << 32, 1 << 33] {
                        for view in [0, 1, 300] {
                            var random = CounterRandom(
                                seed: seed, purpose: purpose, epoch: epoch, sample: sample,
                                view: view)
                            starts.insert(random.next())
                            streams += 1
                        }
                    }
                }
            }
        }
        #expect(starts.count == streams)
    }

    @Test func aStreamCanBeOpenedAgain() {
        var a = CounterRandom(seed: 5, purpose: .mask, epoch: 3, sample: 9)
        let first = (0..<50).map { _ in a.next() }
        var b = CounterRandom(seed: 5, purpose: .mask, epoch: 3, sample: 9)
        #expect((0..<50).map { _ in b.next() } == first)
        #expect(Set(first).count == 50)
    }

    @Test func uniformNumbersFillTheUnitInterval() {
        var random = CounterRandom(seed: 1, purpose: .method)
        let doubles = (0..<20_000).map { _ in random.uniform() as Double }
        let floats = (0..<20_000).map { _ in Double(random.uniform() as Float) }
        for values in [doubles, floats] {
            #expect(values.allSatisfy { (0..<1).contains($0) })
            // Standard error of the mean 0.00204, of the second moment 0.0021.
            #expect(abs(values.reduce(0, +) / 20_000 - 0.5) < 0.009)
            #expect(abs(values.reduce(0) { $0 + $1 * $1 } / 20_000 - 1.0 / 3) < 0.009)
        }
    }

    @Test(arguments: [1, 2, 3, 7, 10, 64]) func wholeNumbersAreEquallyLikely(count: Int) {
        var random = CounterRandom(seed: 2, purpose: .method, sample: count)
        var histogram = [Int](repeating: 0, count: count)
        for _ in 0..<6400 { histogram[random.integer(in: 10..<10 + count) - 10] += 1 }
        let expected = 6400 / Double(count)
        let chi = histogram.reduce(0.0) { $0 + pow(Double($1) - expected, 2) / expected }
        // Mean count − 1, standard deviation √(2 (count − 1)).
        #expect(chi <= Double(count - 1) + 4.5 * (2 * Double(count)).squareRoot())
    }

    @Test func normalNumbersHaveTheMoments() {
        var random = CounterRandom(seed: 3, purpose: .method)
        let values = (0..<20_000).map { _ in random.normal() }
        let mean = values.reduce(0, +) / 20_000
        let variance = values.reduce(0) { $0 + $1 * $1 } / 20_000
        let fourth = values.reduce(0) { $0 + pow($1, 4) } / 20_000
        #expect(abs(mean) < 0.03)
        #expect(abs(variance - 1) < 0.04)
        #expect(abs(fourth - 3) < 0.3)
    }

    @Test(arguments: [0, 1, 2, 5, 1000]) func aPermutationHasEveryNumberOnce(count: Int) {
        var random = CounterRandom(seed: 4, purpose: .order)
        let order = random.permutation(count)
        #expect(order.sorted() == Array(0..<count))
        if count == 1000 { #expect(order != order.sorted()) }
    }

    @Test func everyPermutationIsEquallyLikely() {
        var counts: [[Int]: Int] = [:]
        for epoch in 0..<2400 {
            var random = CounterRandom(seed: 4, purpose: .order, epoch: epoch)
            counts[random.permutation(4), default: 0] += 1
        }
        #expect(counts.count == 24)
        let chi = counts.values.reduce(0.0) { $0 + pow(Double($1) - 100, 2) / 100 }
        #expect(chi < 23 + 4.5 * 46.0.squareRoot())
    }
}
