import Data
import Torch

/// Between which values an accuracy lies with a given confidence.
public struct Interval: Codable, Hashable, Sendable {
    public let low: Double
    public let high: Double
    /// The confidence, such as 0.95.
    public let level: Double

    public init(low: Double, high: Double, level: Double) {
        self.low = low
        self.high = high
        self.level = level
    }
}

/// Intervals of confidence by drawing test pictures anew: the percentile bootstrap of Efron, *Bootstrap
/// Methods* (1979).
///
/// 1. R times as many pictures as there are, drawn with replacement
/// 2. the accuracy on each of these sets
/// 3. between the 2.5th and the 97.5th of a hundred parts of them lies the accuracy
///
/// All accuracies of one call see the same draws, so they can be compared. What a set of training pictures
/// or a seed would change is not in it. Every resample is a function of the seed and its number.
public struct Bootstrap: Sendable {
    public var seed: UInt64
    /// R.
    public var resamples: Int
    public var level: Double

    public init(seed: UInt64 = 0, resamples: Int = 1000, level: Double = 0.95) {
        require(
            resamples > 0 && level > 0 && level < 1,
            "\(resamples) resamples for a confidence of \(level)")
        self.seed = seed
        self.resamples = resamples
        self.level = level
    }

    /// The intervals of top-1 and top-5, in percent, of results on the same pictures.
    public func intervals(of results: [TestRanks]) -> [(top1: Interval, top5: Interval)] {
        guard let first = results.first else { return [] }
        let count = first.values.count
        require(
            count > 0 && results.allSatisfy { $0.values.count == count },
            "intervals of results on \(results.map(\.values.count)) pictures")
        let hits = results.flatMap { result in
            [1, 5].map { limit in result.values.map { $0 < limit ? Float(1) : 0 } }
        }
        let found = intervals(
            of: Tensor(hits.flatMap { $0 }, shape: [hits.count, count]).transposed())
        return results.indices.map { (found[2 * $0], found[2 * $0 + 1]) }
    }

    /// The interval of the share, in percent, of pictures that are right.
    public func interval(of hits: [Bool]) -> Interval {
        require(!hits.isEmpty, "an interval of no pictures")
        return intervals(of: Tensor(hits.map { $0 ? Float(1) : 0 }, shape: [hits.count, 1]))[0]
    }

    /// The intervals of the columns of hits `[M, S]`, 1 where a picture is right.
    private func intervals(of hits: Tensor) -> [Interval] {
        let (count, columns) = hits.shape2
        var sums: [[Double]] = (0..<columns).map { _ in [] }
        // Some megabytes of counts at a time.
        let rows = max(1, min(resamples, (1 << 22) / count))
        for start in stride(from: 0, to: resamples, by: rows) {
            let drawn = (start..<min(start + rows, resamples)).flatMap { draw($0, of: count) }
            let found = Tensor(drawn, shape: [drawn.count / count, count]).matmul(hits)
            for (column, values) in found.transposed().unbound(0).enumerated() {
                sums[column] += values.contiguous().values(as: Float.self).map(Double.init)
            }
        }
        return sums.map { sums in
            let sorted = sums.sorted().map { 100 * $0 / Double(count) }
            return Interval(
                low: Self.quantile(sorted, (1 - level) / 2),
                high: Self.quantile(sorted, (1 + level) / 2), level: level)
        }
    }

    /// How often each picture is in a resample.
    private func draw(_ resample: Int, of count: Int) -> [Float] {
        var random = CounterRandom(seed: seed, purpose: .bootstrap, sample: resample)
        var counts = [Float](repeating: 0, count: count)
        for _ in 0..<count { counts[random.integer(in: 0..<count)] += 1 }
        return counts
    }

    /// Between the two values that the place falls between, in proportion.
    private static func quantile(_ sorted: [Double], _ share: Double) -> Double {
        let place = share * Double(sorted.count - 1)
        let low = Int(place)
        let high = min(low + 1, sorted.count - 1)
        return sorted[low] + (place - Double(low)) * (sorted[high] - sorted[low])
    }
}
