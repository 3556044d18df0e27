import Foundation
public import Torch

/// The starting values of parameters.
public enum Init {
    /// Whether starting values are left out.
    @TaskLocal private static var leavesOut = false

    /// Makes modules whose parameters have no starting values, because a file has them all.
    ///
    /// What `make` draws is memory that was never written, at no cost; `load`, which is strict, must
    /// fill it before anything is computed.
    public static func leavingOut<Result>(_ make: () throws -> Result) rethrows -> Result {
        try $leavesOut.withValue(true) { try make() }
    }

    public static func zeros(_ shape: [Int]) -> Tensor { .zeros(shape) }

    public static func ones(_ shape: [Int]) -> Tensor { .ones(shape) }

    /// Draws from the uniform distribution on [low, high).
    public static func uniform(
        _ shape: [Int], _ low: Double, _ high: Double, generator: Generator?
    ) -> Tensor {
        let tensor = Tensor.empty(shape)
        guard !leavesOut else { return tensor }
        tensor.fillUniformInPlace(low, high, generator: generator)
        return tensor
    }

    /// Draws from the normal distribution with mean 0.
    public static func normal(_ shape: [Int], std: Double, generator: Generator?) -> Tensor {
        let tensor = Tensor.empty(shape)
        guard !leavesOut else { return tensor }
        tensor.fillNormalInPlace(std: std, generator: generator)
        return tensor
    }

    /// Overwrites a matrix with draws from U(±√(6 / (in + out))): Glorot and Bengio, *Understanding
    /// the Difficulty of Training Deep Feedforward Neural Networks* (2010).
    ///
    /// The first dimension counts the outputs, all others together the inputs.
    public static func xavierUniformInPlace(_ weight: Tensor, generator: Generator?) {
        guard !leavesOut else { return }
        let outputs = weight.shape[0]
        let bound = (6 / Double(weight.count / outputs + outputs)).squareRoot()
        noGrad { weight.fillUniformInPlace(-bound, bound, generator: generator) }
    }

    /// Overwrites a tensor with draws from the normal distribution cut at ±`bound`.
    ///
    /// Draws outside are drawn again, so the values follow the truncated distribution exactly.
    public static func truncatedNormalInPlace(
        _ tensor: Tensor, std: Double, bound: Double = 2, generator: Generator?
    ) {
        guard !leavesOut else { return }
        noGrad {
            tensor.fillNormalInPlace(std: std, generator: generator)
            var outside = tensor.abs() .>= bound
            while outside.anyTrue {
                let again = Tensor.empty(like: tensor)
                again.fillNormalInPlace(std: std, generator: generator)
                tensor.copyInPlace(outside.select(again, else: tensor))
                outside = tensor.abs() .>= bound
            }
        }
    }
}
