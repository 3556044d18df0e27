import Torch

/// The tensors that an optimiser keeps beside each parameter, made when it first has a gradient.
public struct OptimizerState {
    /// A tensor kept for each parameter.
    struct Slot {
        /// Its name in checkpoints, before that of the parameter.
        let name: String
        /// Whether it is one number of fp32 instead of a tensor of the parameter's shape.
        var isScalar = false
    }

    let slots: [Slot]
    private var byParameter: [String: [Tensor]] = [:]

    init(_ slots: [Slot]) {
        self.slots = slots
    }

    /// The tensors of a parameter in the order of the slots, zero at first.
    mutating func tensors(for parameter: String, _ tensor: Tensor) -> [Tensor] {
        if let found = byParameter[parameter] { return found }
        let made = slots.map { slot in
            slot.isScalar
                ? Tensor.zeros([], device: tensor.device) : noGrad { Tensor.zeros(like: tensor) }
        }
        byParameter[parameter] = made
        return made
    }

    /// Whether the parameter has had a gradient.
    func contains(_ parameter: String) -> Bool { byParameter[parameter] != nil }

    func tensors(of parameter: String) -> [(name: String, tensor: Tensor)] {
        guard let tensors = byParameter[parameter] else { return [] }
        return zip(slots, tensors).map { ("\($0.name).\(parameter)", $1) }
    }

    /// The state made of copies of named tensors.
    func loading(_ tensors: [String: Tensor], for parameters: [(name: String, tensor: Tensor)])
        throws -> OptimizerState
    {
        var loaded = OptimizerState(slots)
        var unused = Set(tensors.keys)
        for (parameter, tensor) in parameters {
            let names = slots.map { "\($0.name).\(parameter)" }
            // A parameter that never had a gradient has no state; half of one is an error.
            guard names.contains(where: { tensors[$0] != nil }) else { continue }
            loaded.byParameter[parameter] = try zip(slots, names).map { slot, name in
                guard let source = tensors[name] else {
                    throw OptimizerStateError("\(name) is missing")
                }
                let shape = slot.isScalar ? [] : tensor.shape
                guard source.shape == shape else {
                    throw OptimizerStateError(
                        "\(name) has shape \(source.shape), the parameter needs \(shape)")
                }
                unused.remove(name)
                let own = Tensor.empty(
                    shape, dtype: slot.isScalar ? .float32 : tensor.dtype, device: tensor.device)
                own.copyInPlace(source.detached())
                return own
            }
        }
        if let stray = unused.min() {
            throw OptimizerStateError(
                "\(stray) belongs to no parameter of the optimiser (\(unused.count) such tensors)")
        }
        return loaded
    }
}

/// A saved state does not fit the optimiser's parameters.
public struct OptimizerStateError: Error, Sendable, CustomStringConvertible {
    private let problem: String

    init(_ problem: String) {
        self.problem = problem
    }

    public var description: String {
        "the optimiser's state does not fit: \(problem); resume with the model and the optimiser "
            + "that the state was saved with"
    }
}
