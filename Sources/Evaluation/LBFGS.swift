import Torch

/// Minimises a smooth function by limited-memory BFGS: Liu and Nocedal, *On the Limited Memory BFGS
/// Method for Large Scale Optimization* (1989).
struct LBFGS {
    /// A point with what the function says of it.
    struct Point {
        let x: Tensor
        let value: Double
        let gradient: Tensor
    }

    /// Pairs of steps and changes of the gradient that are kept.
    var history = 20
    var maxIterations = 1000

    /// Goes downhill until `isDone` or until rounding hides any descent.
    ///
    /// - Parameters:
    ///   - start: where to begin.
    ///   - precondition: an approximation of the inverse Hessian times a gradient, up to a factor.
    ///   - function: value and gradient.
    ///   - isDone: is asked before every step.
    /// - Returns: the last point and the number of steps.
    func minimize(
        from start: Tensor, precondition: (Tensor) -> Tensor,
        _ function: (Tensor) -> (value: Double, gradient: Tensor), until isDone: (Point) -> Bool
    ) -> (point: Point, iterations: Int) {
        func evaluate(_ x: Tensor) -> Point {
            let found = function(x)
            return Point(x: x, value: found.value, gradient: found.gradient)
        }
        var point = evaluate(start)
        var pairs: [Pair] = []
        var iterations = 0
        while iterations < maxIterations, !isDone(point) {
            var direction = -inverseHessian(pairs, times: point.gradient, precondition)
            var slope = dot(point.gradient, direction)
            if slope >= 0 {
                pairs = []
                direction = -precondition(point.gradient)
                slope = dot(point.gradient, direction)
            }
            let origin = LineSearch<Point>.Sample(
                step: 0, value: point.value, slope: slope, payload: point)
            let found = LineSearch<Point>().search(from: origin) { step in
                let trial = evaluate(point.x + direction * step)
                return .init(
                    step: step, value: trial.value, slope: dot(trial.gradient, direction),
                    payload: trial)
            }
            guard let next = found?.payload else {
                if pairs.isEmpty { break }
                pairs = []
                continue
            }
            if let pair = Pair(from: point, to: next) {
                pairs.append(pair)
                if pairs.count > history { pairs.removeFirst() }
            }
            point = next
            iterations += 1
        }
        return (point, iterations)
    }

    /// A step s and the change y of the gradient along it.
    private struct Pair {
        let s: Tensor
        let y: Tensor
        let curvature: Double  // s·y

        init?(from a: Point, to b: Point) {
            s = b.x - a.x
            y = b.gradient - a.gradient
            curvature = dot(s, y)
            // Rounding alone can make the curvature vanish; such a pair would spoil the rest.
            guard curvature > 1e-14 * s.norm().item * y.norm().item else { return nil }
        }
    }

    /// The two loops of the recursion, Nocedal and Wright, algorithm 7.4.
    private func inverseHessian(
        _ pairs: [Pair], times gradient: Tensor, _ precondition: (Tensor) -> Tensor
    ) -> Tensor {
        var q = gradient
        var weights: [Double] = []
        for pair in pairs.reversed() {
            let weight = dot(pair.s, q) / pair.curvature
            weights.append(weight)
            q = q - pair.y * weight
        }
        var r = precondition(q)
        if let last = pairs.last {
            r = r * (last.curvature / dot(last.y, precondition(last.y)))
        }
        for (pair, weight) in zip(pairs, weights.reversed()) {
            r = r + pair.s * (weight - dot(pair.y, r) / pair.curvature)
        }
        return r
    }
}

private func dot(_ a: Tensor, _ b: Tensor) -> Double { (a * b).sum().item }
