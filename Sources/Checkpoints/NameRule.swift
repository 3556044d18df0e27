/// One line of the table between the names of a family and Tessera's: which tensors of a file make
/// which tensor of a model, and how.
///
/// Both directions come from the same line: loading reads it from right to left, export from left to
/// right.
struct NameRule: Sendable {
    /// Tessera's name.
    let own: NamePattern
    /// The family's: one, or those of the parts that are joined.
    let foreign: [NamePattern]
    let form: Form
    /// What else the file must have, for the rule to apply.
    let condition: Condition?

    enum Condition: Sendable {
        /// A tensor of this name, its open parts filled as those of the rule.
        case has(NamePattern)
        /// An MLP whose second layer takes half of what the first gives: a packed gate.
        case packedGate(first: NamePattern, second: NamePattern)
    }

    /// How the tensor of the model is made from those of the file.
    enum Form: Sendable, Equatable {
        /// As it is.
        case same
        /// One below the other, along the first dimension; the numbers are the parts' shares of it.
        case joined([Int])
        /// The matrix with its dimensions swapped.
        case transposed
        /// With so many dimensions of length 1 in front: `[D]` as `[1, 1, D]`.
        case leading(Int)
        /// A flat patch kernel `[D, C·p·p]`, channels first, as `[D, C, p, p]`.
        case patchKernel(channels: Int)
    }

    /// `own` is the family's `foreign` under another name, or in another form.
    init(
        _ own: NamePattern, _ foreign: NamePattern, _ form: Form = .same,
        if condition: Condition? = nil
    ) {
        self.own = own
        self.foreign = [foreign]
        self.form = form
        self.condition = condition
    }

    /// `own` is all of `foreign`, one below the other; `shares` says how much of it each is.
    init(_ own: NamePattern, joining foreign: [NamePattern], shares: [Int]) {
        self.own = own
        self.foreign = foreign
        form = .joined(shares)
        condition = nil
    }
}

extension [NameRule] {
    /// A gate and a value of one length, packed into one layer as timm does it: `fc1` and `fc2` in
    /// place of `w12` and `w3`.
    static let packedGates: [NameRule] = [("w12", "fc1"), ("w3", "fc2")].map { own, foreign in
        NameRule(
            NamePattern("blocks.*.mlp.\(own).%"), NamePattern("blocks.*.mlp.\(foreign).%"),
            if: .packedGate(first: "blocks.*.mlp.fc1.weight", second: "blocks.*.mlp.fc2.weight"))
    }

    /// A gate and a value in layers of their own, and the layer behind them.
    static func separateGates(gate: String, value: String, output: String) -> [NameRule] {
        [
            NameRule(
                "blocks.*.mlp.w12.%",
                joining: [NamePattern(gate + ".%"), NamePattern(value + ".%")], shares: [1, 1]),
            NameRule(
                "blocks.*.mlp.w3.%", NamePattern(output + ".%"),
                if: .has(NamePattern(gate + ".weight"))),
        ]
    }

    /// `[query, key, value]` of weights and, where all three have one, of biases.
    static func separateQKV(
        own: String, query: String, key: String, value: String
    ) -> [NameRule] {
        [
            NameRule(
                NamePattern(own + ".qkv.weight"),
                joining: [query, key, value].map { NamePattern($0 + ".weight") },
                shares: [1, 1, 1]),
            NameRule(
                NamePattern(own + ".qkv.bias"),
                joining: [query, key, value].map { NamePattern($0 + ".bias") },
                shares: [1, 1, 1]),
            // Models without a bias of k: the line above finds no k and leaves q's and v's.
            NameRule(NamePattern(own + ".q_bias"), NamePattern(query + ".bias")),
            NameRule(NamePattern(own + ".v_bias"), NamePattern(value + ".bias")),
        ]
    }
}
