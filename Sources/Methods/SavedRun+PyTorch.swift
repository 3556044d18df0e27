import NN
import TensorFiles
import Torch
import Training

/// What the checkpoints of PyTorch programs hold beside weights.
extension SavedRun {
    /// A group of parameters by our names, in the program's order, and whether they decay.
    typealias Group = (parameters: [(name: String, shape: [Int])], decays: Bool)

    /// The gradient scaler's `state_dict`; that of a new one for runs without.
    func scalerState() throws -> PyTorchWriter.Value {
        let scale = try state["scaler.scale"].map { try Tensor($0).item } ?? 65536
        let tracker = try state["scaler.growth_tracker"].map { try Tensor($0).item } ?? 0
        return .dictionary([
            ("scale", .real(scale)), ("growth_factor", .real(2)),
            ("backoff_factor", .real(0.5)), ("growth_interval", .integer(2000)),
            ("_growth_tracker", .integer(Int(tracker))),
        ])
    }

    /// Whether the run scales its losses, as those in fp16 do.
    var hasScaler: Bool { state["scaler.scale"] != nil }

    /// The optimiser's `state_dict`.
    ///
    /// - Parameters:
    ///   - groups: numbered one after the other.
    ///   - exemptKey: a truth value that groups without decay have besides.
    /// - Returns: `state` and `param_groups`.
    /// - Throws: `TensorFileError` where a moment is missing.
    func optimizerState(
        _ groups: [Group], exemptKey: String? = nil
    ) throws -> PyTorchWriter.Value {
        var number = 0
        var states: [(number: Int, value: PyTorchWriter.Value)] = []
        var settings: [PyTorchWriter.Value] = []
        for group in groups {
            let numbers = number..<number + group.parameters.count
            for (number, parameter) in zip(numbers, group.parameters) {
                // What nothing trained has no moments.
                guard state["optim.\(momentNames[0]).\(parameter.name)"] != nil else { continue }
                let moments = try momentNames.map { moment in
                    let record = try state.tensor("optim.\(moment).\(parameter.name)")
                    return (moment, PyTorchWriter.Value.tensor(.init(record)))
                }
                states.append((number, .dictionary(moments)))
            }
            number = numbers.upperBound
            var values: [(name: String, value: PyTorchWriter.Value)] = [
                ("lr", .real(learningRate)),
                ("weight_decay", .real(group.decays ? weightDecay : 0)),
            ]
            values += ruleSettings + [("params", .list(numbers.map { .integer($0) }))]
            if let exemptKey, !group.decays { values.append((exemptKey, .bool(true))) }
            settings.append(.dictionary(values))
        }
        return .dictionary([("state", .numbered(states)), ("param_groups", .list(settings))])
    }

    /// What the optimiser remembers of a parameter.
    private var momentNames: [String] {
        switch optimizer.algorithm {
        case .adamw: ["step", "exp_avg", "exp_avg_sq"]
        case .sgd: ["momentum_buffer"]
        case .lars: ["mu"]
        }
    }

    /// The settings of a group that belong to its rule alone.
    private var ruleSettings: [(name: String, value: PyTorchWriter.Value)] {
        switch optimizer.algorithm {
        case .adamw:
            [
                ("betas", .list(optimizer.betas.map { .real($0) })), ("eps", .real(optimizer.eps)),
                ("amsgrad", .bool(false)), ("maximize", .bool(false)),
            ]
        case .sgd:
            [
                ("momentum", .real(0.9)), ("dampening", .integer(0)), ("nesterov", .bool(false)),
                ("maximize", .bool(false)),
            ]
        case .lars: [("momentum", .real(0.9)), ("eta", .real(0.001))]
        }
    }
}
