import Foundation
import Testing

@testable import Data

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

func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

func deviation(_ values: [Double]) -> Double {
    let mean = mean(values)
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
}

/// Expects the mean of a sample to lie within four standard errors of that of a recorded sample of
/// the same size, or of `recordedCount`.
func expectMean(
    _ values: [Double], near recorded: Double, recordedCount: Int? = nil, _ name: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let counts = 1 / Double(values.count) + 1 / Double(recordedCount ?? values.count)
    // A fact that does not vary was rounded when it was recorded.
    let error = max(deviation(values) * counts.squareRoot(), 1e-6 * abs(recorded))
    #expect(
        abs(mean(values) - recorded) <= 4 * error,
        "\(name): \(mean(values)), recorded \(recorded)", sourceLocation: sourceLocation)
}

/// Expects two histograms to be of one distribution: chi-square of the two samples below its mean
/// plus four standard deviations.
///
/// Bins with fewer than ten values in both together are put into one.
func expectHistogram(
    _ counts: [Double], like recorded: [Double], _ name: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(counts.count == recorded.count, "\(name)", sourceLocation: sourceLocation)
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
    let (a, b) = ((recordedTotal / total).squareRoot(), (total / recordedTotal).squareRoot())
    let chiSquare = pairs.reduce(0) { sum, pair in
        let difference = a * pair.0 - b * pair.1
        return sum + difference * difference / (pair.0 + pair.1)
    }
    let freedom = Double(max(pairs.count - 1, 1))
    let limit = freedom + 4 * (2 * freedom).squareRoot()
    #expect(
        chiSquare <= limit, "\(name): chi-square \(chiSquare) of at most \(limit), \(counts)",
        sourceLocation: sourceLocation)
}
