import Foundation
package import Torch

/// Where BEiT puts the offsets of one axis of a stored table of relative position biases.
///
/// An axis of n = 2s + 1 offsets gets the coordinates 0, ±1, ±(1 + q), …, ±(1 + q + … + q^(s−1)).
/// For a target of N = 2t + 1 offsets the last of them should be t:
///
///     (1 − q^s) / (1 − q) = t,  q in [1.01, 1.5]
///
/// by bisection to 1e-6. Where the target shrinks, or grows beyond what q = 1.5 reaches, q stays at a
/// border of its interval and the target's offsets beyond the last coordinate take the value there.
package struct GeometricOffsets {
    /// q: the last point that was tried, not the middle of what remained.
    package let ratio: Double
    /// The n coordinates, rising.
    package let coordinates: [Double]
    /// N, the number of offsets that are wanted.
    private let target: Int

    /// - Parameters:
    ///   - source: n, odd.
    ///   - target: N, odd.
    package init(source: Int, target: Int) {
        require(source % 2 == 1 && target % 2 == 1, "offsets \(source) to \(target) are not odd")
        let half = source / 2
        var (low, high, q) = (1.01, 1.5, 1.5)
        while high - low > 1e-6 {
            q = (low + high) / 2
            let reach = (1 - pow(q, Double(half))) / (1 - q)
            if reach > Double(target / 2) { high = q } else { low = q }
        }
        var distances: [Double] = []
        var distance = 1.0
        for step in 0..<half {
            distances.append(distance)
            distance += pow(q, Double(step + 1))
        }
        ratio = q
        coordinates = distances.reversed().map { -$0 } + [0] + distances
        self.target = target
    }

    /// `[N, n]` in fp64: times n biases, those at the whole numbers −t … t.
    package var weights: Tensor {
        let half = target / 2
        return NotAKnotSpline.weights(
            knots: coordinates, points: (-half...half).map { Double($0) })
    }
}
