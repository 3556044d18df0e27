/// How a quantity is spread: extremes, quantiles, and a histogram.
public struct Distribution: Codable, Sendable, Equatable {
    /// Values from `from` on and below `to`.
    public struct Bin: Codable, Sendable, Equatable {
        public let from: Double
        public let to: Double
        public let count: Int
    }

    public let least: Double
    /// Of 100 pictures 5 are below.
    public let low: Double
    public let median: Double
    /// Of 100 pictures 5 are above.
    public let high: Double
    public let greatest: Double
    public let bins: [Bin]

    /// - Parameters:
    ///   - values: in any order; nil is returned if there are none.
    ///   - edges: between the bins, rising; empty bins at both ends are left out.
    init?(_ values: [Double], edges: [Double]) {
        let sorted = values.sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        func quantile(_ share: Double) -> Double { sorted[Int(share * Double(sorted.count - 1))] }
        (least, greatest) = (first, last)
        (low, median, high) = (quantile(0.05), quantile(0.5), quantile(0.95))
        var counts = [Int](repeating: 0, count: max(edges.count - 1, 1))
        var bin = 0
        for value in sorted {
            while bin + 2 < edges.count, value >= edges[bin + 1] { bin += 1 }
            counts[bin] += 1
        }
        let used = counts.indices.filter { counts[$0] > 0 }
        bins = ((used.first ?? 0)...(used.last ?? 0)).map {
            Bin(from: edges[$0], to: edges[$0 + 1], count: counts[$0])
        }
    }

    /// Sides in pixels, in steps of half an octave; no side is longer than 2³¹.
    static let sideEdges: [Double] =
        [1, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096]
        + [6144, 8192, 16384, 65536, 0x1p31]

    /// Width over height; the middle bin holds the squares.
    static let aspectEdges: [Double] = [
        0, 0.1, 0.2, 0.33, 0.5, 0.6, 0.7, 0.8, 0.95, 1.05, 1.25, 1.4, 1.6, 2, 3, 5, 10, 0x1p31,
    ]
}
