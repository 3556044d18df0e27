public import Torch

/// Layer-wise adaptive rate scaling: You, Gitman and Ginsburg, *Large Batch Training of Convolutional
/// Networks* (2017), in the form of MoCo v3 and MAE.
///
/// For matrices and tensors of more dimensions g ← (g + wd·p) · η ‖p‖ / ‖g + wd·p‖, the factor 1
/// where a norm is 0; vectors have neither weight decay nor the factor. Then μ ← m μ + g,
/// p ← p − lr μ. In VISSL's form vectors have weight decay too.
public final class LARS: Optimizer {
    public let groups: [ParameterGroup]
    public var state = OptimizerState([.init(name: "mu")])
    let momentum: Double
    let trustCoefficient: Double
    let decaysVectors: Bool

    /// An optimiser that has not stepped; `trustCoefficient` is η.
    public init(
        _ groups: [ParameterGroup], momentum: Double = 0.9, trustCoefficient: Double = 0.001,
        decaysVectors: Bool = false
    ) {
        self.groups = groups
        self.momentum = momentum
        self.trustCoefficient = trustCoefficient
        self.decaysVectors = decaysVectors
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
                    let slope =
                        parameter.rank > 1
                        ? trusted(gradient, parameter, decay: decay)
                        : decaysVectors ? gradient + parameter * decay : gradient
                    let mu = state.tensors(for: name, parameter)[0]
                    mu.multiplyInPlace(by: momentum)
                    mu.addInPlace(slope)
                    parameter.addInPlace(mu, scale: -rate)
                }
            }
        }
    }

    private func trusted(_ gradient: Tensor, _ parameter: Tensor, decay: Double) -> Tensor {
        let slope = gradient + parameter * decay
        let size = parameter.norm()
        let steepness = slope.norm()
        // Chosen on the device: nothing waits for the norms.
        let ratio = ((size .> 0) .& (steepness .> 0))
            .select(size * trustCoefficient / steepness, else: Tensor.ones([], device: size.device))
        return slope * ratio
    }
}
