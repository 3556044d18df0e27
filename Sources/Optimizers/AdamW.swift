public import Torch

/// Adam with weight decay apart from the gradient: Loshchilov and Hutter, *Decoupled Weight Decay
/// Regularization* (2019).
///
/// p ← p (1 − lr·wd); m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²;
/// p ← p − lr · m̂ / (√v̂ + ε), the hats dividing by 1 − βᵗ for step t of the parameter.
public final class AdamW: Optimizer {
    public let groups: [ParameterGroup]
    public var state = OptimizerState([
        .init(name: "step", isScalar: true), .init(name: "exp_avg"), .init(name: "exp_avg_sq"),
    ])
    let beta1: Double
    let beta2: Double
    let eps: Double
    private let ones: [Device: Tensor]

    /// An optimiser that has not stepped.
    ///
    /// - Parameters:
    ///   - groups: of parameters that are on their device already.
    ///   - beta1: the decay of the mean of gradients.
    ///   - beta2: the decay of the mean of squares: 0.999 as published, 0.95 in MAE's pre-training.
    ///   - eps: ε.
    public init(
        _ groups: [ParameterGroup], beta1: Double = 0.9, beta2: Double = 0.999, eps: Double = 1e-8
    ) {
        self.groups = groups
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        let devices = Set(groups.flatMap(\.parameters).map(\.tensor.device))
        ones = Dictionary(uniqueKeysWithValues: devices.map { ($0, Tensor.ones([], device: $0)) })
    }

    public func step(
        learningRate: Double, floor: Double, weightDecay: Double, unless foundNonFinite: Tensor?
    ) {
        noGrad {
            for group in groups {
                let updated = group.withGradients
                let states = updated.map { state.tensors(for: $0.name, $0.tensor) }
                let steps = states.map { $0[0] }
                // A skipped step does not count.
                let counts = steps.map { count in
                    let one = ones[count.device] ?? Tensor.ones([], device: count.device)
                    return foundNonFinite.map { one - $0 } ?? one
                }
                Foreach.addInPlace(steps, counts)
                Foreach.adamWInPlace(
                    updated.map(\.tensor), gradients: updated.map(\.gradient),
                    averages: states.map { $0[1] }, squares: states.map { $0[2] }, steps: steps,
                    learningRate: group.learningRate(learningRate, floor: floor), beta1: beta1,
                    beta2: beta2, weightDecay: weightDecay * group.weightDecayScale, eps: eps,
                    foundNonFinite: foundNonFinite)
            }
        }
    }
}
