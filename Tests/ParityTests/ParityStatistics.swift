import Foundation
import TestSupport
import Torch

@testable import Data

/// What differs between a sample of our own and a recorded one, or nil.
///
/// Samples are drawn from fixed seeds, so a test that passes always does; the limits are those that
/// chance exceeds about once in ten thousand times.
enum SampleComparison {
    /// Two means: at most four standard errors, or `limit` where that is more.
    ///
    /// `recordedDeviation`, where it is known, is taken for that of both samples.
    static func mean(
        _ values: [Double], near recorded: Double, recordedCount: Int,
        recordedDeviation: Double? = nil, limit: Double = 0
    ) -> String? {
        let error =
            (recordedDeviation ?? deviation(values)) * standardError(values.count, recordedCount)
        return compare(average(values), recorded, limit: max(4 * error, limit), "mean")
    }

    /// Two standard deviations: at most four standard errors, or `limit` where that is more.
    static func deviation(
        _ values: [Double], near recorded: Double, recordedCount: Int, limit: Double = 0
    ) -> String? {
        // The variance of the variance of any distribution, by its fourth moment.
        let (mean, std) = (average(values), deviation(values))
        let fourth = average(values.map { pow($0 - mean, 4) })
        let spread = max(fourth - pow(std, 4), 0).squareRoot() / (2 * max(std, 1e-12))
        let error = spread * standardError(values.count, recordedCount)
        return compare(std, recorded, limit: max(4 * error, limit), "standard deviation")
    }

    /// Two parts of samples: at most four standard errors, or `limit` where that is more.
    static func part(
        _ found: Double, of count: Int, near recorded: Double, recordedCount: Int,
        limit: Double = 1e-4
    ) -> String? {
        let variance = max(found * (1 - found), recorded * (1 - recorded))
        let error = variance.squareRoot() * standardError(count, recordedCount)
        return compare(found, recorded, limit: max(4 * error, limit), "part")
    }

    /// Two least or two greatest values, by the order statistics around ours: of n values drawn from
    /// one distribution the recorded extreme lies beyond our k-th with a probability of about 2⁻ᵏ.
    static func extreme(_ values: [Double], near recorded: Double, isLeast: Bool) -> String? {
        let sorted = isLeast ? values.sorted() : values.sorted(by: >)
        let near = sorted[min(13, sorted.count - 1)]
        // As far beyond our extreme as the thirteenth is on this side, three times over.
        let slack = 3 * abs(near - sorted[0]) + 1e-6
        let isClose =
            isLeast
            ? (sorted[0] - slack...near + 1e-6).contains(recorded)
            : (near - 1e-6...sorted[0] + slack).contains(recorded)
        return isClose ? nil : "extreme \(sorted[0]), recorded \(recorded), 14th \(near)"
    }

    /// Two histograms: chi-square of the two samples, which exceeds the limit once in ten thousand
    /// times.
    ///
    /// Bins with fewer than ten values in both together are put into one.
    static func histogram(_ counts: [Double], like recorded: [Double]) -> String? {
        guard counts.count == recorded.count else { return "\(counts.count) bins" }
        var (rare, pairs): ((Double, Double), [(Double, Double)]) = ((0, 0), [])
        for pair in zip(counts, recorded) {
            if pair.0 + pair.1 < 10 {
                rare = (rare.0 + pair.0, rare.1 + pair.1)
            } else {
                pairs.append(pair)
            }
        }
        if rare.0 + rare.1 > 0 { pairs.append(rare) }
        let (total, recordedTotal) = (counts.reduce(0, +), recorded.reduce(0, +))
        guard total > 0, recordedTotal > 0 else { return "an empty sample" }
        let (a, b) = ((recordedTotal / total).squareRoot(), (total / recordedTotal).squareRoot())
        let chiSquare = pairs.reduce(0) { sum, pair in
            let difference = a * pair.0 - b * pair.1
            return sum + difference * difference / (pair.0 + pair.1)
        }
        let freedom = Double(max(pairs.count - 1, 1))
        // Wilson and Hilferty: the cube root of chi-square is about normal.
        let variance = 2 / (9 * freedom)
        let limit = freedom * pow(1 - variance + 3.72 * variance.squareRoot(), 3)
        return chiSquare <= limit
            ? nil : "chi-square \(chiSquare), at most \(limit); \(counts) for \(recorded)"
    }

    private static func standardError(_ a: Int, _ b: Int) -> Double {
        (1 / Double(max(a, 1)) + 1 / Double(max(b, 1))).squareRoot()
    }

    private static func compare(
        _ found: Double, _ recorded: Double, limit: Double, _ what: String
    ) -> String? {
        // A fact that does not vary was rounded when it was recorded.
        let limit = max(limit, 1e-6 * max(abs(recorded), 1))
        return abs(found - recorded) <= limit
            ? nil : "\(what) \(found), recorded \(recorded), allowed difference \(limit)"
    }

    static func average(_ values: [Double]) -> Double {
        values.reduce(0, +) / Double(values.count)
    }

    static func deviation(_ values: [Double]) -> Double {
        let mean = average(values)
        return average(values.map { ($0 - mean) * ($0 - mean) }).squareRoot()
    }
}

/// Results of `count` streams of their own, the same in every run.
func draws<Value>(_ count: Int, _ draw: (inout CounterRandom) -> Value) -> [Value] {
    (0..<count).map { sample in
        var random = CounterRandom(seed: 2024, purpose: .augmentation, sample: sample)
        return draw(&random)
    }
}

/// Counts in bins of equal width; what lies outside is not counted, `to` itself is.
func histogram(_ values: [Double], bins: Int, from: Double, to: Double) -> [Double] {
    var counts = [Double](repeating: 0, count: bins)
    for value in values where value >= from && value <= to {
        counts[min(Int((value - from) / (to - from) * Double(bins)), bins - 1)] += 1
    }
    return counts
}

extension Tensor {
    /// The elements, row by row.
    var doubles: [Double] { values(as: Double.self) }
}
