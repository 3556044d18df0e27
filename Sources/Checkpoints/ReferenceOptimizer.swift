public import TensorFiles

/// The state of a PyTorch optimiser: what it remembers of each parameter, and its groups.
///
/// Parameters have numbers there, not names: those of the groups, one after the other. A program's
/// order of groups and parameters turns them into names, see `states(of:)`.
public struct ReferenceOptimizer: Sendable {
    public let groups: [Group]
    /// By the number of the parameter; frozen ones and those without a gradient have none.
    public let states: [Int: State]
    /// Where it is from, for messages.
    private let file: String

    /// A group of parameters with settings of their own.
    public struct Group: Sendable {
        /// The numbers of the parameters.
        public let parameters: [Int]
        /// `lr`, `weight_decay`, `betas`, … as the program spells them.
        public let settings: [String: PlainValue]
    }

    /// What is remembered of a parameter.
    public struct State: Sendable {
        /// `exp_avg` and `exp_avg_sq` of AdamW, `momentum_buffer` of SGD, `mu` of LARS.
        public let moments: [String: TensorRecord]
        /// Steps taken; nil for optimisers that do not count.
        public let step: Int?
    }

    init(_ value: PickleValue, at key: String, of file: String) throws(TensorFileError) {
        func failure(_ place: String, _ problem: String) -> TensorFileError {
            TensorFileError(.malformed, file: file, place: "\(key).\(place)", problem: problem)
        }
        var groups: [Group] = []
        for (index, group) in (value["param_groups"]?.elements ?? []).enumerated() {
            guard let numbers = group["params"]?.elements else {
                throw failure("param_groups.\(index)", "has no list of parameters")
            }
            let parameters = numbers.compactMap(\.int)
            guard parameters.count == numbers.count else {
                throw failure("param_groups.\(index).params", "has what are no numbers")
            }
            let settings = group.children.filter { $0.name != "params" }
            groups.append(
                Group(
                    parameters: parameters,
                    settings: Dictionary(
                        settings.map { ($0.name, PlainValue($0.value)) }
                    ) { $1 }))
        }
        let known = Set(groups.flatMap(\.parameters))
        guard known.count == groups.reduce(0, { $0 + $1.parameters.count }) else {
            throw failure("param_groups", "name a parameter twice")
        }
        var states: [Int: State] = [:]
        for (name, entry) in value["state"]?.children ?? [] {
            guard let number = Int(name), known.contains(number) else {
                throw failure("state.\(name.prefix(40))", "is of no parameter of the groups")
            }
            var moments: [String: TensorRecord] = [:]
            var step: Int?
            for (field, part) in entry.children {
                if field == "step" {
                    step = PlainValue(part).int
                } else if let tensor = part.tensor {
                    moments[field] = tensor
                }
            }
            states[number] = State(moments: moments, step: step)
        }
        self.groups = groups
        self.states = states
        self.file = file
    }

    /// Steps of the parameters, where all have taken the same number.
    public var step: Int? {
        let steps = Set(states.values.map(\.step))
        return steps.count == 1 ? steps.first ?? nil : nil
    }

    /// The states by the names of parameters.
    ///
    /// - Parameter parameters: names and shapes in the order of the numbers, the first being number
    ///   0: group after group, as the program made them.
    /// - Returns: the states of those that have one.
    /// - Throws: `CheckpointError` where the numbers or the shapes of the moments are others.
    public func states(
        of parameters: [(name: String, shape: [Int])]
    ) throws -> [String: State] {
        let count = groups.reduce(0) { $0 + $1.parameters.count }
        guard count == parameters.count else {
            throw CheckpointError(
                .incomplete,
                "\(file): the optimizer has \(count) parameters in \(groups.count) groups, the model "
                    + "\(parameters.count): they are not of one run, whose settings "
                    + "must be the model's")
        }
        var named: [String: State] = [:]
        for (number, state) in states {
            guard parameters.indices.contains(number) else {
                throw CheckpointError(
                    .incomplete,
                    "\(file): the optimizer has a parameter \(number) of \(count)")
            }
            let (name, shape) = parameters[number]
            for (moment, tensor) in state.moments
            where tensor.shape != shape && tensor.count != 1 {
                throw CheckpointError(
                    .incomplete,
                    "\(file): \(moment) of parameter \(number), \(name), has shape "
                        + "\(tensor.shape), the parameter \(shape): the order of the parameters is "
                        + "another, as in a file of another method")
            }
            named[name] = state
        }
        return named
    }
}
