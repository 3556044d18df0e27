import TensorFiles

/// What a checkpoint holds besides the weights: optimiser state, epochs, arguments, metadata.
struct CheckpointContents {
    private let checkpoint: CheckpointFile
    private let parts: [StateDictionary]
    /// Shows all entries of long dictionaries.
    private let isWhole: Bool

    /// Entries shown of a dictionary, unless all are wanted.
    private static let mostEntries = 12

    init(_ checkpoint: CheckpointFile, parts: [StateDictionary], isWhole: Bool) {
        self.checkpoint = checkpoint
        self.parts = parts
        self.isWhole = isWhole
    }

    var lines: [String] {
        var lines = parts.filter { $0.kind == .optimizer }.map(optimizer)
        switch checkpoint {
        case .numpy: break
        case .safeTensors(let file):
            for (key, value) in file.metadata.sorted(by: { $0.key < $1.key }) {
                lines.append("\(key) = \(value)".withoutControlCharacters)
            }
        case .pyTorch(let file):
            // What has tensors is in the tree or among the optimisers.
            let shown = Set(parts.compactMap(\.keys.first))
            let isModule = file.root["_parameters"] != nil
            for (name, value) in file.root.children
            where value.tensor == nil && !shown.contains(name) {
                // A pickled module's own bookkeeping: hooks and empty dictionaries.
                if isModule, name.hasPrefix("_") { continue }
                lines += entry(name, value)
            }
        }
        return lines
    }

    /// `optimizer: exp_avg, exp_avg_sq, step of 39 parameters, 21.2 k numbers, 84784 bytes; …`.
    private func optimizer(_ part: StateDictionary) -> String {
        var states: [String] = []
        var parameters: Set<Substring> = []
        for (name, _) in part.tensors {
            // `state.12.exp_avg` in PyTorch, `exp_avg.blocks.0.norm1.weight` in a run's own files.
            let isNumbered = name.hasPrefix("state.")
            let split = isNumbered ? name.lastIndex(of: ".") : name.firstIndex(of: ".")
            guard let split else { continue }
            let (before, after) = (name[..<split], name[name.index(after: split)...])
            let state = String(isNumbered ? after : before)
            if !states.contains(state) { states.append(state) }
            parameters.insert(isNumbered ? before : after)
        }
        var text =
            "\(part.name): \(states.joined(separator: ", ")) of \(parameters.count) parameters, "
            + "\(part.tensors.count) tensors, \(readableCount(part.elementCount)) numbers, "
            + readableBytes(part.byteCount)
        if case .pyTorch(let file) = checkpoint,
            let groups = file.root.value(at: part.keys + ["param_groups"])?.elements
        {
            let shown = groups.prefix(isWhole ? groups.count : 4).map { group in
                group.children.filter { $0.name != "params" }.prefix(isWhole ? 99 : 3)
                    .map { "\($0.name) \($0.value)" }.joined(separator: ", ")
            }
            text += "; \(groups.count) group\(groups.count == 1 ? "" : "s"): "
            text += Self.distinct(shown).joined(separator: " | ")
        }
        return text.withoutControlCharacters
    }

    private static func distinct(_ texts: [String]) -> [String] {
        texts.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// One line, or one for each entry of a dictionary or of a namespace.
    private func entry(_ name: String, _ value: PickleValue) -> [String] {
        let children = value.children
        let isList = value.elements != nil
        guard children.count > 3, !isList else {
            return ["\(name) = \(value)".withoutControlCharacters]
        }
        let shown = children.prefix(isWhole ? children.count : Self.mostEntries)
        var lines = ["\(name): \(children.count) entries".withoutControlCharacters]
        lines += shown.map { "  \($0.name) = \($0.value)".withoutControlCharacters }
        if shown.count < children.count {
            lines.append("  … \(children.count - shown.count) more, which --all shows")
        }
        return lines
    }
}
