import TensorFiles

/// Looks at the numbers of the tensors, one at a time.
struct CheckpointTensorCheck {
    /// Above this share of denormal elements there is a warning, below it a note.
    static let denormalShare = 0.01

    /// Sizes of all names: what a tensor is can depend on its neighbour, a norm's on the weight's.
    private let dimensions: [String: Int]

    init(_ parts: [StateDictionary]) {
        var dimensions: [String: Int] = [:]
        for part in parts {
            for (name, tensor) in part.tensors {
                dimensions[part.prefix + name] = tensor.shape.count
            }
        }
        self.dimensions = dimensions
    }

    /// What the numbers of a tensor show.
    ///
    /// - Parameters:
    ///   - tensor: of any type; only NaN and infinities are looked for in an optimiser's state.
    ///   - name: the whole name in the file.
    ///   - kind: weights or optimiser.
    /// - Returns: the findings, the worst first.
    func findings(
        _ tensor: TensorRecord, name: String, kind: StateDictionary.Kind
    ) -> [CheckpointFinding] {
        let facts = TensorStatistics(tensor)
        var found: [CheckpointFinding] = []
        func add(
            _ severity: CheckpointFinding.Severity, _ kind: CheckpointFinding.Kind, _ count: Int?,
            _ detail: String
        ) {
            found.append(
                CheckpointFinding(
                    severity: severity, kind: kind, place: name, count: count, detail: detail))
        }
        func share(_ count: Int) -> String {
            "\(grouped(count)) of \(grouped(facts.count)) elements"
        }
        if facts.nanCount > 0 {
            add(.error, .nan, facts.nanCount, share(facts.nanCount) + " are NaN")
        }
        if facts.infinityCount > 0 {
            // A mask of attention is made of them.
            let severity: CheckpointFinding.Severity =
                name.hasSuffix("mask") && facts.nanCount == 0 ? .note : .error
            add(
                severity, .infinity, facts.infinityCount,
                share(facts.infinityCount) + " are infinite")
        }
        guard kind == .weights, tensor.elementType.isFloatingPoint else { return found }
        let dead = hasUnits(name, tensor) && facts.zeroCount > 0 ? tensor.zeroRows().count : 0
        if dead > 0 {
            let rows = tensor.shape[0]
            add(
                .warning, .deadUnits, dead,
                dead == rows
                    ? "all \(grouped(rows)) rows are zero"
                    : "\(grouped(dead)) of \(grouped(rows)) rows are zero")
        } else if let value = facts.constant, facts.count > 1, !isInitialNorm(name, value) {
            add(.note, .constant, facts.count, "all \(grouped(facts.count)) elements are \(value)")
        }
        if facts.subnormalCount > 0 {
            let isMuch = Double(facts.subnormalCount) > Self.denormalShare * Double(facts.count)
            add(
                isMuch ? .warning : .note, .denormal, facts.subnormalCount,
                share(facts.subnormalCount)
                    + " are denormal: less precise, and slow on some processors")
        }
        return found
    }

    /// Whether the rows are units of a layer: tables of positions have rows too.
    private func hasUnits(_ name: String, _ tensor: TensorRecord) -> Bool {
        guard tensor.shape.count >= 2, tensor.shape[0] > 1 else { return false }
        let last = name.lastIndex(of: ".").map { name[name.index(after: $0)...] } ?? name[...]
        return last.contains("weight") || last == "kernel"
    }

    /// A normalisation's scale of ones or shift of zeros, which training may have left alone.
    ///
    /// Its weight has one dimension, unlike those of layers that have a bias too.
    private func isInitialNorm(_ name: String, _ value: Double) -> Bool {
        guard dimensions[name] == 1 else { return false }
        let dot = name.lastIndex(of: ".").map { name.index(after: $0) } ?? name.startIndex
        let module = name[..<dot]
        switch name[dot...] {
        case "weight", "gamma", "running_var": return value == 1
        case "bias", "beta", "running_mean":
            return value == 0 && (dimensions["\(module)weight"] ?? 1) == 1
        default: return false
        }
    }
}
