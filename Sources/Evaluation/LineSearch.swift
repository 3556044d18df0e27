import Foundation

/// A step along a descent direction that fulfils the strong Wolfe conditions: Nocedal and Wright,
/// *Numerical Optimization* (2006), algorithms 3.5 and 3.6 in one loop.
///
/// With φ(t) = F(x + t d): φ(t) ≤ φ(0) + c₁ t φ′(0) and |φ′(t)| ≤ c₂ |φ′(0)|.
struct LineSearch<Payload> {
    /// A point of φ, and what was computed on the way.
    struct Sample {
        let step: Double
        let value: Double
        let slope: Double
        let payload: Payload
    }

    var decrease = 1e-4
    var curvature = 0.9
    var maxSamples = 40

    /// A point that fulfils the conditions, or the best one below the start; nil where rounding
    /// hides any descent.
    func search(from start: Sample, sample: (Double) -> Sample) -> Sample? {
        // Close to the minimum values differ by rounding only, and slopes decide.
        let slack = 1e-14 * abs(start.value)
        var low = start
        var high: Sample?
        var step = 1.0
        for _ in 0..<maxSamples {
            let trial = sample(step)
            let limit = start.value + decrease * step * start.slope + slack
            if !trial.value.isFinite || trial.value > limit || trial.value > low.value + slack {
                high = trial
            } else if abs(trial.slope) <= curvature * abs(start.slope) {
                return trial
            } else {
                // The minimum lies where φ falls, seen from the new low end.
                let towardsHigh = (high?.step ?? .infinity) - low.step
                if trial.slope * towardsHigh >= 0 { high = low }
                low = trial
            }
            guard let end = high else {
                step *= 2
                continue
            }
            let width = end.step - low.step
            if abs(width) < 1e-12 * max(abs(low.step), 1e-3) { break }
            step = Self.minimum(low, end)
        }
        return low.step > 0 && low.value <= start.value + slack ? low : nil
    }

    /// The minimum of the cubic through two samples, kept away from both ends.
    private static func minimum(_ a: Sample, _ b: Sample) -> Double {
        let width = b.step - a.step
        let middle = a.step + width / 2
        guard b.value.isFinite, b.slope.isFinite else { return a.step + width / 10 }
        let d1 = a.slope + b.slope - 3 * (b.value - a.value) / width
        let root = d1 * d1 - a.slope * b.slope
        guard root >= 0 else { return middle }
        let d2 = (width < 0 ? -1 : 1) * root.squareRoot()
        let step = b.step - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
        let (low, high) = (a.step + 0.1 * width, b.step - 0.1 * width)
        guard step.isFinite, (step - low) * (step - high) <= 0 else { return middle }
        return step
    }
}
