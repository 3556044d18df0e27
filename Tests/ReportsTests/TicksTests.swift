import Foundation
import Testing

@testable import Reports

@Suite("Axes and their ticks") struct TicksTests {
    /// Ranges over many magnitudes, positive, negative and across zero.
    static let ranges: [ClosedRange<Double>] = {
        var state: UInt64 = 3
        func next() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) / Double(UInt64(1) << 53)
        }
        return (0..<300).map { _ in
            let low = (next() - 0.5) * pow(10, next() * 16 - 8)
            return low...(low + abs(low) * 1e-6 + pow(10, next() * 16 - 8))
        }
    }()

    @Test("linear ticks are evenly spaced multiples of 1, 2 or 5 inside the range")
    func linear() {
        for range in Self.ranges {
            for count in [3, 5, 8] {
                let ticks = Ticks.linear(range, count: count)
                let span = range.upperBound - range.lowerBound
                #expect(ticks.values.count >= 2 && ticks.values.count <= 2 * count, "\(range)")
                #expect(ticks.labels.count == ticks.values.count)
                let slack = span * 1e-6
                #expect(ticks.values.allSatisfy { $0 >= range.lowerBound - slack })
                #expect(ticks.values.allSatisfy { $0 <= range.upperBound + slack })
                guard ticks.values.count >= 2 else { continue }
                let step = ticks.values[1] - ticks.values[0]
                for (a, b) in zip(ticks.values, ticks.values.dropFirst()) {
                    #expect(abs(b - a - step) <= 1e-6 * step + 1e-12 * abs(b), "\(range)")
                }
                let mantissa = step / pow(10, floor(log10(step) + 1e-6))
                #expect([1.0, 2, 5].contains { abs(mantissa - $0) < 1e-3 }, "\(range) \(step)")
            }
        }
    }

    @Test("labels tell ticks apart")
    func distinct() {
        for range in Self.ranges
        where range.upperBound - range.lowerBound > 1e-3 * abs(range.upperBound) {
            let labels = Ticks.linear(range, count: 5).labels
            #expect(Set(labels).count == labels.count, "\(range): \(labels)")
        }
    }

    @Test("known axes")
    func known() {
        #expect(Ticks.linear(0...1, count: 5).labels == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"])
        #expect(Ticks.linear(0...100, count: 5).labels == ["0", "20", "40", "60", "80", "100"])
        #expect(Ticks.linear(-5...5, count: 5).labels == ["-4", "-2", "0", "2", "4"])
        #expect(Ticks.linear(0...30_000, count: 3).labels == ["0", "10k", "20k", "30k"])
        #expect(Ticks.linear(0...2e6, count: 4).labels == ["0", "0.5M", "1.0M", "1.5M", "2.0M"])
        #expect(Ticks.linear(0...2e-5, count: 2).labels == ["0", "10⁻⁵", "2·10⁻⁵"])
        #expect(Ticks.linear(3...3, count: 5).labels == ["3"])
        #expect(
            Ticks.logarithmic(0.01...100, count: 5).labels == ["0.01", "0.1", "1", "10", "100"])
        #expect(Ticks.logarithmic(0.5...6, count: 5).labels == ["0.5", "1", "2", "5"])
    }

    @Test("logarithmic ticks lie inside, rise, and are never fewer than two")
    func logarithmic() {
        for low in [1e-9, 0.003, 0.2, 1, 7, 1e5] {
            for ratio in [1.01, 1.5, 3, 20, 1e4, 1e12] {
                let range = low...(low * ratio)
                let ticks = Ticks.logarithmic(range, count: 5)
                #expect(ticks.values.count >= 2 && ticks.values.count <= 12, "\(range)")
                #expect(zip(ticks.values, ticks.values.dropFirst()).allSatisfy { $0 < $1 })
                #expect(ticks.values.allSatisfy { $0 >= low * 0.999999 })
                #expect(ticks.values.allSatisfy { $0 <= low * ratio * 1.000001 })
            }
        }
    }

    @Test("an axis holds all finite values and keeps their order")
    func axis() {
        let values: [Double] = [3, .nan, -2, .infinity, 8, 0.5, -.infinity]
        for padded in [true, false] {
            let axis = Axis(values, scale: .linear, padded: padded, pixels: (100, 0))
            let places = [-2, 0.5, 3, 8].compactMap(axis.position)
            #expect(places.count == 4)
            #expect(zip(places, places.dropFirst()).allSatisfy { $0 > $1 })
            #expect(places.allSatisfy { (0...100).contains($0) })
            #expect(axis.position(.nan) == nil)
        }
        let log = Axis(values, scale: .logarithmic, padded: true, pixels: (0, 10))
        #expect(log.position(-2) == nil)
        #expect(log.position(0) == nil)
        #expect(log.range.lowerBound > 0)
    }

    @Test(
        "odd values still give an axis",
        arguments: [
            [], [.nan], [0], [5, 5], [-5], [1e308, -1e308], [.infinity, 1],
            [.leastNonzeroMagnitude], [-1, -2],
        ] as [[Double]])
    func odd(values: [Double]) {
        for scale in [AxisScale.linear, .logarithmic] {
            let axis = Axis(values, scale: scale, padded: true, pixels: (0, 10))
            #expect(axis.range.lowerBound < axis.range.upperBound)
            #expect(axis.ticks(5).values.allSatisfy { $0.isFinite })
            for value in values {
                if let place = axis.position(value) { #expect((-0.001...10.001).contains(place)) }
            }
        }
    }

    @Test("a curve near zero is drawn against zero, one far from it is not")
    func zero() {
        let near = Axis([0.4, 2], scale: .linear, padded: true, pixels: (0, 1))
        let far = Axis([80, 86], scale: .linear, padded: true, pixels: (0, 1))
        #expect(near.range.lowerBound == 0)
        #expect(far.range.lowerBound > 79)
    }
}
