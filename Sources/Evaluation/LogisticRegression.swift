public import Torch

/// Multinomial logistic regression without an intercept, to a certified optimum.
///
/// F(W) = (1/n) Σ_i [log Σ_c exp(x_i·w_c) − x_i·w_{y_i}] + R(W), where R is λ/2 ‖W‖² (`l2`),
/// λ ‖W‖₁ + λ/2 ‖W‖² (`elasticNet`) or λ ‖W‖₁ (`l1`).
///
/// With the square F is λ-strongly convex, so with the shortest subgradient v at W no point is lower than
/// F(W) − ‖v‖² / 2λ: the solvers stop at that gap, and report it. Of `l1` it is the gap to the dual.
///
/// n examples, D width, K classes. All in fp64.
public final class LogisticRegression {
    let x: Tensor  // [n, D]
    let labels: Tensor  // [n]
    let classCount: Int
    /// XᵀX / n, `[D, D]`.
    private let gram: Tensor
    private let spectrum: (values: Tensor, vectors: Tensor)
    private let minusOnes: Tensor  // [n, 1]

    /// A problem for examples `[n, D]` with class numbers below `classCount`.
    public init(_ examples: Tensor, labels: Tensor, classCount: Int) {
        let (n, _) = examples.shape2
        require(n > 0 && labels.shape == [n], "\(labels.summary) labels for \(examples.summary)")
        x = examples.detached().to(dtype: .float64)
        self.labels = labels
        self.classCount = classCount
        (gram, spectrum, minusOnes) = noGrad { [x] in
            let gram = x.transposed().matmul(x) / Double(n)
            let minusOnes = Tensor.full([n, 1], -1, dtype: .float64, device: x.device)
            return (gram, gram.symmetricEigen(), minusOnes)
        }
    }

    /// A solution.
    public struct Fit {
        /// `[K, D]`, fp64.
        public let weights: Tensor
        /// F at the weights.
        public let objective: Double
        /// How far F may be above its minimum, relative to F: an upper bound.
        public let relativeGap: Double
        public let iterations: Int
    }

    /// The optimum with the penalty λ/2 ‖W‖², by preconditioned L-BFGS.
    ///
    /// - Parameters:
    ///   - lambda: λ, above 0.
    ///   - start: weights to begin with, such as those for a neighbouring λ; nil for zero.
    ///   - tolerance: the relative gap at which to stop.
    ///   - maxIterations: where to stop in any case.
    /// - Returns: the weights with their certificate.
    public func fitL2(
        _ lambda: Double, from start: Tensor? = nil, tolerance: Double = 1e-6,
        maxIterations: Int = 1000
    ) -> Fit {
        require(lambda > 0, "logistic regression needs λ > 0, found \(lambda)")
        return noGrad {
            let result = LBFGS(maxIterations: maxIterations).minimize(
                from: start ?? zeroWeights, precondition: inverseBound(lambda)
            ) { weights in
                let (loss, slope) = lossAndGradient(weights)
                let penalty = lambda / 2 * weights.squared().sum().item
                return (loss + penalty, slope + weights * lambda)
            } until: {
                Self.relativeGap($0.gradient, $0.value, lambda) <= tolerance
            }
            let point = result.point
            return Fit(
                weights: point.x, objective: point.value,
                relativeGap: Self.relativeGap(point.gradient, point.value, lambda),
                iterations: result.iterations)
        }
    }

    /// The optimum with the penalty λ ‖W‖₁ + r λ/2 ‖W‖², by accelerated proximal steps with restarts:
    /// Beck and Teboulle, *FISTA* (2009); O'Donoghue and Candès, *Adaptive Restart* (2015).
    ///
    /// r, `ridge`, is 1 in the elastic net; 0 is the penalty of the absolute values alone.
    ///
    /// Steps are as long in each column as a diagonal bound of the curvature allows, so examples in
    /// their principal axes, where that bound is tight, converge fastest.
    public func fitElasticNet(
        _ lambda: Double, ridge: Double = 1, from start: Tensor? = nil, tolerance: Double = 1e-6,
        maxIterations: Int = 100_000
    ) -> Fit {
        require(lambda > 0, "logistic regression needs λ > 0, found \(lambda)")
        require(ridge >= 0, "logistic regression needs ridge ≥ 0, found \(ridge)")
        func certified(_ weights: Tensor, iterations: Int) -> Fit {
            ridge > 0
                ? self.certified(weights, lambda, ridge: ridge, iterations: iterations)
                : certifiedByDual(weights, lambda, iterations: iterations)
        }
        return noGrad {
            // Böhning's ½ XᵀX/n, bounded by its absolute row sums.
            let bound = gram.abs().sum(0) * 0.5  // [D]
            // A column of zeros, whose weights stay zero, has no curvature at all.
            let curvature = (bound + ridge * lambda).clamped(min: .leastNormalMagnitude)
            var weights = start ?? zeroWeights
            var leading = weights
            var momentum = 1.0
            var best = certified(weights, iterations: 0)
            var iterations = 0
            while best.relativeGap > tolerance, iterations < maxIterations {
                iterations += 1
                let slope = lossAndGradient(leading).gradient
                let next = shrunk(leading * bound - slope, by: lambda) / curvature
                let change = next - weights
                if ((leading - next) * bound * change).sum().item > 0 { momentum = 1 }
                let following = (1 + (1 + 4 * momentum * momentum).squareRoot()) / 2
                leading = next + change * ((momentum - 1) / following)
                (weights, momentum) = (next, following)
                // The certificate costs a gradient of its own.
                if iterations % 10 == 0 || iterations == maxIterations {
                    best = certified(weights, iterations: iterations)
                }
            }
            return best
        }
    }

    /// Scores `[m, K]` of examples `[m, D]`.
    public static func scores(_ examples: Tensor, _ weights: Tensor) -> Tensor {
        noGrad { examples.to(dtype: .float64).matmul(weights.transposed()) }
    }

    // MARK: - Parts

    private var zeroWeights: Tensor {
        .zeros([classCount, x.shape[1]], dtype: .float64, device: x.device)
    }

    /// The mean cross entropy and its derivative `[K, D]`.
    private func lossAndGradient(_ weights: Tensor) -> (value: Double, gradient: Tensor) {
        let n = Double(x.shape[0])
        let logProbabilities = x.matmul(weights.transposed()).logSoftmax(1)  // [n, K]
        let right = labels.unsqueezed(1)
        let loss = -logProbabilities.gathered(right, 1).mean().item
        let residual = logProbabilities.exp().scatterAdding(minusOnes, at: right, 1)
        return (loss, residual.transposed().matmul(x) / n)
    }

    /// Multiplication with the inverse of ½ XᵀX/n + λ, an upper bound of every Hessian: Böhning,
    /// *Multinomial Logistic Regression Algorithm* (1992).
    private func inverseBound(_ lambda: Double) -> (Tensor) -> Tensor {
        let (values, vectors) = spectrum
        let inverse = 1 / (values.clamped(min: 0) * 0.5 + lambda)  // [D]
        return { gradient in
            (gradient.matmul(vectors) * inverse).matmul(vectors.transposed())
        }
    }

    /// The elastic net's objective with the bound on its distance from the optimum.
    private func certified(
        _ weights: Tensor, _ lambda: Double, ridge: Double, iterations: Int
    ) -> Fit {
        let (loss, gradient) = lossAndGradient(weights)
        let norms = (weights.abs() + weights.squared() * (ridge / 2)).sum().item
        let slope = gradient + weights * (ridge * lambda)
        // At zero the subgradient may take any value within ±λ: the shortest one counts.
        let shortest = (weights .== 0).select(
            shrunk(slope, by: lambda), else: slope + weights.sign() * lambda)
        let objective = loss + lambda * norms
        return Fit(
            weights: weights, objective: objective,
            relativeGap: Self.relativeGap(shortest, objective, ridge * lambda),
            iterations: iterations)
    }

    /// The same for ridge 0, where nothing is strongly convex: the gap to a point of the dual problem.
    ///
    /// P and Y are the probabilities and the labels, `[n, K]`. For every t in [0, 1] with
    /// ‖t (P − Y)ᵀX / n‖∞ ≤ λ the mean entropy of t P + (1 − t) Y is no more than the optimum.
    private func certifiedByDual(_ weights: Tensor, _ lambda: Double, iterations: Int) -> Fit {
        let (loss, gradient) = lossAndGradient(weights)
        let objective = loss + lambda * weights.abs().sum().item
        let t = min(1, lambda / max(gradient.abs().max().item, .leastNormalMagnitude))
        let probabilities = x.matmul(weights.transposed()).softmax(1) * t
        let right = (minusOnes * (t - 1)).to(dtype: probabilities.dtype)
        let mixed = probabilities.scatterAdding(right, at: labels.unsqueezed(1), 1)
        let entropy = -(mixed * mixed.clamped(min: 1e-300).log()).sum(1).mean().item
        return Fit(
            weights: weights, objective: objective,
            relativeGap: Self.share(max(objective - entropy, 0), of: objective),
            iterations: iterations)
    }

    private func shrunk(_ x: Tensor, by amount: Double) -> Tensor {
        x.sign() * (x.abs() - amount).clamped(min: 0)
    }

    private static func relativeGap(_ gradient: Tensor, _ objective: Double, _ lambda: Double)
        -> Double
    {
        share(gradient.squared().sum().item / (2 * lambda), of: objective)
    }

    /// A gap relative to F, which is 0 itself at the optimum for a single class.
    private static func share(_ gap: Double, of objective: Double) -> Double {
        gap == 0 ? 0 : gap / objective
    }
}
