import Data
public import Torch

/// Clusters of vectors around k means: Lloyd, *Least Squares Quantization in PCM* (1982), begun as Arthur and
/// Vassilvitskii, *k-means++* (2007), have it.
///
/// 1. the first centre is a vector drawn at random, each further one a vector drawn with a chance that is
///    proportional to its squared distance from the nearest centre so far
/// 2. every vector goes to the nearest centre, every centre to the mean of its vectors, until nothing moves
/// 3. of several starts the one with the least sum of squared distances
///
/// N vectors, D width. Every draw is a function of the seed and the number of the start.
public struct KMeans: Sendable {
    public var count: Int
    public var starts: Int
    public var maxIterations: Int
    public var seed: UInt64

    /// - Parameters:
    ///   - count: k, at least one.
    ///   - starts: of which the best counts.
    ///   - maxIterations: of each start.
    ///   - seed: of the centres that it begins with.
    public init(_ count: Int, starts: Int = 3, maxIterations: Int = 300, seed: UInt64 = 0) {
        require(
            count > 0 && starts > 0 && maxIterations > 0,
            "k-means with \(count) clusters, \(starts) starts, \(maxIterations) iterations")
        self.count = count
        self.starts = starts
        self.maxIterations = maxIterations
        self.seed = seed
    }

    public struct Result {
        /// The cluster of each vector.
        public let clusters: [Int]
        /// `[k, D]`; k is at most the number of vectors.
        public let centres: Tensor
        /// The sum of the squared distances to the centres.
        public let inertia: Double
        public let iterations: Int
    }

    /// Clusters vectors `[N, D]`, at least one; with fewer of them than clusters each is its own.
    public func callAsFunction(_ values: Tensor) -> Result {
        noGrad {
            let x = values.detached().to(dtype: .float32)
            let results = (0..<starts).map { run(x, start: $0) }
            return results.dropFirst().reduce(results[0]) { $1.inertia < $0.inertia ? $1 : $0 }
        }
    }

    private func run(_ x: Tensor, start: Int) -> Result {
        var centres = centres(x, start)
        var clusters: [Int64] = []
        var iterations = 0
        while true {
            let (distances, nearest) = Self.nearest(x, centres)
            let found = nearest.to(.cpu).values(as: Int64.self)
            let isSettled = found == clusters
            clusters = found
            if isSettled || iterations == maxIterations {
                return Result(
                    clusters: clusters.map(Int.init), centres: centres,
                    inertia: distances.to(dtype: .float64).sum().item, iterations: iterations)
            }
            centres = means(x, nearest, distances, of: centres.shape[0])
            iterations += 1
        }
    }

    /// The squared distance to the nearest centre and which it is, `[N]` both.
    private static func nearest(_ x: Tensor, _ centres: Tensor) -> (Tensor, Tensor) {
        let lengths = centres.squared().sum(1)  // [k]
        let count = x.shape[0]
        let rows = max(1, (1 << 22) / centres.shape[0])
        var (values, places): ([Tensor], [Tensor]) = ([], [])
        for start in stride(from: 0, to: count, by: rows) {
            let part = x[start..<min(start + rows, count)]
            let found = (lengths - part.linear(centres, nil) * 2).min(1)
            values.append((found.values + part.squared().sum(1)).clamped(min: 0))
            places.append(found.indices)
        }
        return (concatenated(values, 0), concatenated(places, 0))
    }

    /// The means of the clusters; one that lost all its vectors takes the one that is farthest from its
    /// own centre.
    private func means(_ x: Tensor, _ nearest: Tensor, _ distances: Tensor, of count: Int) -> Tensor
    {
        let width = x.shape[1]
        let places = nearest.unsqueezed(0).expanded([width, x.shape[0]])
        let sums = Tensor.zeros([width, count], device: x.device)
            .scatterAdding(x.transposed(), at: places, 1).transposed()  // [k, D]
        let sizes = Tensor.zeros([1, count], device: x.device)
            .scatterAdding(Tensor.ones([1, x.shape[0]], device: x.device), at: places[..<1], 1)
            .reshaped(count, 1)
        let empty = (sizes .== 0).flattened().placesOfNonzero().flattened()
        guard empty.count > 0 else { return sums / sizes }
        let far = distances.topK(min(empty.count, x.shape[0])).indices
        var rows = (sums / sizes.clamped(min: 1)).unbound(0)
        for (index, place) in empty.to(.cpu).values(as: Int64.self).enumerated() {
            rows[Int(place)] = x.selecting(far[index..<index + 1], 0)[0]
        }
        return stacked(rows)
    }

    /// k vectors to begin with, or all there are.
    private func centres(_ x: Tensor, _ start: Int) -> Tensor {
        let total = x.shape[0]
        var random = CounterRandom(seed: seed, purpose: .clustering, sample: start)
        var chosen = [random.integer(in: 0..<total)]
        var distances = (x - x[chosen[0]]).squared().sum(1)
        while chosen.count < min(count, total) {
            let weights = distances.to(.cpu).values(as: Float.self).map(Double.init)
            let next = Self.draw(weights, random.uniform())
            chosen.append(next ?? random.integer(in: 0..<total))
            distances = distances.minimum((x - x[chosen[chosen.count - 1]]).squared().sum(1))
        }
        return x.selecting(Tensor(chosen).to(x.device), 0)
    }

    /// The place at which the running sum of weights passes a share of it; nil where all are 0.
    private static func draw(_ weights: [Double], _ share: Double) -> Int? {
        let total = weights.reduce(0, +)
        guard total > 0 else { return nil }
        var left = share * total
        for (place, weight) in weights.enumerated() where weight > 0 {
            left -= weight
            if left < 0 { return place }
        }
        return weights.lastIndex { $0 > 0 }
    }
}
