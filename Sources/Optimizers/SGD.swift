public import Torch

/// Stochastic gradient descent: p ← p − lr · (g + wd·p), with momentum if wanted.
///
/// With momentum μ, b ← μ b + g + wd·p (b starts as the first gradient) takes the gradient's place;
/// in Nesterov's form it is g + wd·p + μ b.
public final class SGD: Optimizer {
    public let groups: [ParameterGroup]
    public var state: OptimizerState
    let momentum: Double
    let nesterov: Bool

    /// An optimiser that has not stepped; `momentum` 0 is plain descent without a state.
    public init(_ groups: [ParameterGroup], momentum: Double = 0, nesterov: Bool = false) {
        require(momentum > 0 || !nesterov, "Nesterov's form needs a momentum")
        self.groups = groups
        self.momentum = momentum
        self.nesterov = nesterov
        state = OptimizerState(momentum > 0 ? [.init(name: "momentum_buffer")] : [])
    }

    public func step(
        learningRate: Double, floor: Double, weightDecay: Double, unless foundNonFinite: Tensor?
    ) {
        if let foundNonFinite, foundNonFinite.item != 0 { return }
        noGrad {
            for group in groups {
                let rate = group.learningRate(learningRate, floor: floor)
                let decay = weightDecay * group.weightDecayScale
                for (name, parameter, gradient) in group.withGradients {
                    let slope = decay == 0 ? gradient : gradient + parameter * decay
                    parameter.addInPlace(
                        direction(slope, of: name, parameter),
                        scale: -rate)
                }
            }
        }
    }

    private func direction(_ slope: Tensor, of name: String, _ parameter: Tensor) -> Tensor {
        guard momentum > 0 else { return slope }
        let buffer = state.tensors(for: name, parameter)[0]
        buffer.multiplyInPlace(by: momentum)
        buffer.addInPlace(slope)
        return nesterov ? slope + buffer * momentum : buffer
    }
}
