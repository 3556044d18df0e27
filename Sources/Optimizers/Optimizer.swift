public import Torch

/// A rule that changes parameters by their gradients.
///
/// Parameters without a gradient are left alone, weight decay included, and get no state, as in
/// PyTorch. Learning rate and weight decay come with each step from the run's schedules; a group
/// scales them.
public protocol Optimizer: AnyObject {
    var groups: [ParameterGroup] { get }

    /// What the optimiser remembers of each parameter.
    var state: OptimizerState { get set }

    /// Changes the parameters once.
    ///
    /// - Parameters:
    ///   - learningRate: before the scale of a group.
    ///   - floor: the part of the learning rate that the scale of a group leaves alone.
    ///   - weightDecay: before the scale of a group.
    ///   - foundNonFinite: a scalar tensor of fp32; where it is 1, as `LossScaler` and
    ///     `GradientClipping.isNonFinite` set it, nothing is changed.
    func step(
        learningRate: Double, floor: Double, weightDecay: Double, unless foundNonFinite: Tensor?)
}

extension Optimizer {
    /// Changes the parameters once.
    public func step(
        learningRate: Double, weightDecay: Double = 0, unless foundNonFinite: Tensor? = nil
    ) {
        step(
            learningRate: learningRate, floor: 0, weightDecay: weightDecay, unless: foundNonFinite)
    }

    /// All parameters, in the order in which checkpoints of PyTorch number them.
    public var parameters: [(name: String, tensor: Tensor)] { groups.flatMap(\.parameters) }

    /// The gradients that there are.
    public var gradients: [Tensor] { parameters.compactMap(\.tensor.gradient) }

    /// Forgets the gradients; the next backward pass starts anew.
    public func clearGradients() {
        for (_, tensor) in parameters { tensor.gradient = nil }
    }

    /// The state as named tensors, the optimiser's own, not copies: `exp_avg.blocks.0.…`.
    public func stateTensors() -> [(name: String, tensor: Tensor)] {
        parameters.flatMap { state.tensors(of: $0.name) }
    }

    /// What the optimiser remembers of a parameter, by PyTorch's names: `exp_avg`, `momentum_buffer`.
    public var momentNames: [String] { state.slots.map(\.name) }

    /// Continues from what `stateTensors` gave, bit for bit.
    ///
    /// - Throws: `OptimizerStateError` for tensors that do not fit the parameters; the state is then
    ///   what it was.
    public func load(_ tensors: [String: Tensor]) throws {
        state = try state.loading(tensors, for: parameters)
    }
}

extension ParameterGroup {
    /// The parameters that have a gradient, with it.
    var withGradients: [(name: String, tensor: Tensor, gradient: Tensor)] {
        parameters.compactMap { name, tensor in
            tensor.gradient.map { (name, tensor, $0) }
        }
    }
}
