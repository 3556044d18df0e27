import Foundation

extension CounterRandom {
    /// A Beta(a, b) number in 0...1, from two Gamma numbers.
    public mutating func beta(_ a: Double, _ b: Double) -> Double {
        require(a > 0 && b > 0, "CounterRandom: Beta(\(a), \(b))")
        while true {
            let (x, y) = (gamma(a), gamma(b))
            // Both underflow for tiny shapes; then the draw says nothing.
            if x + y > 0 { return x / (x + y) }
        }
    }

    /// A Gamma(shape, 1) number (Marsaglia and Tsang 2000).
    mutating func gamma(_ shape: Double) -> Double {
        if shape < 1 {
            return gamma(shape + 1) * pow(1 - (uniform() as Double), 1 / shape)
        }
        let d = shape - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = normal()
            let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
            guard v > 0 else { continue }
            if log(1 - (uniform() as Double)) < x * x / 2 + d - d * v + d * log(v) { return d * v }
        }
    }
}
