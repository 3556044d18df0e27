/// One of the sets of named tensors in a file: a model, its teacher, an optimiser's state.
///
/// ```swift
/// for part in try CheckpointFile(path: "checkpoint.pth").stateDictionaries() {
///     print(part.name, part.tensors.count)  // student 40, teacher 40, optimizer 117
/// }
/// ```
public struct StateDictionary: Sendable {
    public enum Kind: Sendable {
        case weights
        /// Moments and steps of an optimiser.
        case optimizer
    }

    /// The keys that lead to it; none for tensors that lie at the top of the file.
    public let keys: [String]
    public let kind: Kind
    /// Names from there on, in the order of the file.
    public internal(set) var tensors: [(name: String, tensor: TensorRecord)]

    package init(keys: [String], kind: Kind, tensors: [(name: String, tensor: TensorRecord)]) {
        self.keys = keys
        self.kind = kind
        self.tensors = tensors
    }

    /// The keys joined by dots.
    public var name: String { keys.joined(separator: ".") }

    /// What goes in front of the names to give those in the whole file.
    public var prefix: String { keys.map { $0 + "." }.joined() }

    /// Elements of all tensors.
    public var elementCount: Int { tensors.reduce(0) { $0 + $1.tensor.count } }

    /// Bytes of all tensors.
    public var byteCount: Int { tensors.reduce(0) { $0 + $1.tensor.byteCount } }
}

extension CheckpointFile {
    /// The sets of tensors that the file holds, in its order; every tensor is in exactly one.
    ///
    /// In a pickle that is a dictionary with tensors in it, a whole pickled module, or an
    /// optimiser's `state` and `param_groups`. A safetensors file has no dictionaries: there the
    /// first part of the names takes their place, where at least two are ones that training
    /// programs use (`student`, `teacher`, `encoder`, `target_encoder`, `model`, `optimizer`, …).
    /// Tensors of kinds that are not read are left out.
    ///
    /// - Throws: where the file nests deeper or names more than its limits allow.
    public func stateDictionaries() throws(TensorFileError) -> [StateDictionary] {
        switch self {
        case .pyTorch(let file):
            var search = StateDictionarySearch()
            search.visit(file.root, try file.scan().found[...], depth: 0)
            return search.found
        case .numpy(let file):
            return [StateDictionary(keys: [], kind: .weights, tensors: [("", file.tensor)])]
        case .safeTensors: return StateDictionarySearch.groups(try tensors())
        }
    }

    /// The tensors of the whole file with dotted names, and those that are not read with the reason.
    ///
    /// - Throws: where the file nests deeper or names more than its limits allow.
    public func scan() throws(TensorFileError) -> (
        tensors: [(name: String, tensor: TensorRecord)], refused: [(name: String, reason: String)]
    ) {
        guard case .pyTorch(let file) = self else { return (try tensors(), []) }
        let all = try file.scan()
        return (
            all.found.map { ($0.path.joined(separator: "."), $0.tensor) },
            all.refused.map { ($0.path.joined(separator: "."), $0.reason) }
        )
    }
}

/// Divides the tensors of a file by what they belong to.
private struct StateDictionarySearch {
    var found: [StateDictionary] = []

    typealias Item = (path: [String], tensor: TensorRecord)

    /// Deeper containers are taken whole.
    private static let depthLimit = 8

    /// First parts of names that tell sets apart in a file without dictionaries.
    private static let known: Set<String> = [
        "student", "teacher", "encoder", "target_encoder", "predictor", "model", "model_ema",
        "ema", "state_dict", "state_dict_ema",
    ]
    private static let optimizers: Set<String> = ["optimizer", "optim", "opt"]

    /// Goes down where tensors are; `items` are those below `value`, whose path has `depth` keys.
    mutating func visit(_ value: PickleValue?, _ items: ArraySlice<Item>, depth: Int) {
        guard let first = items.first else { return }
        let keys = Array(first.path.prefix(depth))
        // One dictionary of the children for each container: a file may have a million of them.
        let children = Dictionary(
            (value?.children ?? []).map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        if children["state"] != nil, children["param_groups"] != nil {
            add(keys, .optimizer, items, depth)
            return
        }
        let isModule =
            children["_parameters"] != nil && children["_modules"] != nil
            || isScriptModule(value, children)
        if isModule || depth >= Self.depthLimit {
            add(keys, .weights, items, depth)
            return
        }
        add(keys, .weights, items.filter { $0.path.count <= depth + 1 }[...], depth)
        var order: [String] = []
        var groups: [String: [Item]] = [:]
        for item in items where item.path.count > depth + 1 {
            if groups[item.path[depth]] == nil { order.append(item.path[depth]) }
            groups[item.path[depth], default: []].append(item)
        }
        for name in order { visit(children[name], (groups[name] ?? [])[...], depth: depth + 1) }
    }

    /// A module of TorchScript: an instance whose attributes are its tensors, its children, and
    /// whether it trains.
    private func isScriptModule(_ value: PickleValue?, _ children: [String: PickleValue]) -> Bool {
        guard case .object(let object) = value?.content, !object.isCall else { return false }
        return children["training"]?.bool != nil
    }

    private mutating func add(
        _ keys: [String], _ kind: StateDictionary.Kind, _ items: ArraySlice<Item>, _ depth: Int
    ) {
        guard !items.isEmpty else { return }
        found.append(
            StateDictionary(
                keys: keys, kind: kind,
                tensors: items.map { ($0.path.dropFirst(depth).joined(separator: "."), $0.tensor) })
        )
    }

    static func groups(_ tensors: [(name: String, tensor: TensorRecord)]) -> [StateDictionary] {
        func key(_ name: String) -> String? {
            guard let dot = name.firstIndex(of: ".") else { return nil }
            let first = String(name[..<dot])
            return known.contains(first) || optimizers.contains(first) ? first : nil
        }
        guard Set(tensors.compactMap { key($0.name) }).count >= 2 else {
            return tensors.isEmpty
                ? [] : [StateDictionary(keys: [], kind: .weights, tensors: tensors)]
        }
        var result: [StateDictionary] = []
        var places: [String: Int] = [:]
        for (name, tensor) in tensors {
            let group = key(name)
            let place = places[group ?? ""] ?? result.count
            if place == result.count {
                places[group ?? ""] = place
                let kind: StateDictionary.Kind =
                    group.map(optimizers.contains) == true ? .optimizer : .weights
                result.append(
                    StateDictionary(keys: group.map { [$0] } ?? [], kind: kind, tensors: []))
            }
            result[place].tensors.append(
                (group.map { String(name.dropFirst($0.count + 1)) } ?? name, tensor))
        }
        return result
    }
}
