extension PickleValue {
    /// The tensors below this value, each with the path to it.
    public struct Tensors: Sendable {
        public internal(set) var found: [(path: [String], tensor: TensorRecord)] = []
        /// Tensors that could not be read, with the reasons.
        public internal(set) var refused: [(path: [String], reason: String)] = []
    }

    /// All tensors below, in the order of writing.
    ///
    /// Containers add their keys or indices to the path, objects their attributes. A pickled
    /// `torch.nn.Module` gives the names of its `state_dict()`: own parameters, own buffers, then
    /// the children.
    ///
    /// - Throws: the reason where a container contains itself or the walk exceeds `limits`.
    func tensors(limits: PickleLimits) throws(WalkFault) -> Tensors {
        // A file of a kilobyte can name one tensor 2^60 times; tied weights have two or three names.
        let distinct = graph.store.tensors.count + graph.store.reasons.count
        var walk = TensorWalk(
            limits: limits, mostNames: 1024 + 64 * distinct,
            mostVisits: limits.steps(ofBytes: graph.store.byteCount))
        try walk.visit(self)
        return walk.result
    }

    /// Why a walk over values was given up.
    struct WalkFault: Error {
        let path: [String]
        let reason: String
    }

    /// How many parts a look at the value has to pass, own entries and attributes.
    fileprivate var partCount: Int {
        switch node {
        case .list(let items), .tuple(let items), .set(let items): items.count
        case .dict(let pairs): pairs.count / 2
        case .object(let index):
            graph.store.objects[Int(index)].partCount(in: graph.store)
        default: 0
        }
    }

    /// A pickled module's own parameters and buffers, and its children, in PyTorch's order.
    fileprivate var moduleParts: [(name: String, value: PickleValue)]? {
        guard case .object(let index) = node, let state = graph.store.objects[Int(index)].state
        else { return nil }
        let attributes = value(state)
        guard let parameters = attributes["_parameters"], let buffers = attributes["_buffers"],
            let modules = attributes["_modules"]
        else { return nil }
        let unsaved = Set(
            attributes["_non_persistent_buffers_set"]?.elements?.compactMap(\.string) ?? [])
        return parameters.children + buffers.children.filter { !unsaved.contains($0.name) }
            + modules.children
    }
}

extension PickleObjectNode {
    fileprivate func partCount(in store: PickleStore) -> Int {
        func entries(_ id: NodeID) -> Int {
            if case .dict(let pairs) = store[id] { return pairs.count / 2 }
            return 1
        }
        // The state may be a tuple of the attributes and the slots.
        let states = state.map { store.tuple($0) ?? [$0] } ?? []
        return items.count + pairs.count / 2 + states.reduce(0) { $0 + 1 + entries($1) }
    }
}

/// A depth-first walk that collects tensors; bounded in depth and names, and it visits a part
/// without tensors once, however often the pickle shares it.
private struct TensorWalk {
    let limits: PickleLimits
    var result = PickleValue.Tensors()
    private let mostNames: Int
    private let mostVisits: Int
    private var path: [String] = []
    private var pathBytes = 0
    private var nameBytes = 0
    private var open: Set<NodeID> = []
    private var barren: Set<NodeID> = []
    /// Parts that were looked at; a container that many others share is looked at from each.
    private var visits = 0

    init(limits: PickleLimits, mostNames: Int, mostVisits: Int) {
        self.limits = limits
        self.mostNames = mostNames
        self.mostVisits = mostVisits
    }

    private var count: Int { result.found.count + result.refused.count }

    mutating func visit(_ value: PickleValue) throws(PickleValue.WalkFault) {
        switch value.node {
        case .tensor(let index):
            try countName()
            result.found.append((path, value.graph.store.tensors[Int(index)]))
        case .refused(let index):
            try countName()
            result.refused.append((path, value.graph.store.reasons[Int(index)]))
        case .list, .tuple, .set, .dict, .object: try visitParts(of: value)
        default: break
        }
    }

    private mutating func countName() throws(PickleValue.WalkFault) {
        guard count < limits.names else {
            throw fault("has more than \(limits.names) tensors")
        }
        guard count < mostNames else {
            throw fault("gives its few tensors more than \(mostNames) names")
        }
        nameBytes += pathBytes
        guard nameBytes <= limits.nameBytes else {
            throw fault("has names of more than \(limits.nameBytes) bytes")
        }
    }

    private mutating func visitParts(of value: PickleValue) throws(PickleValue.WalkFault) {
        guard !barren.contains(value.id) else { return }
        guard open.insert(value.id).inserted else { throw fault("contains itself") }
        guard path.count < limits.depth else {
            throw fault("is nested deeper than \(limits.depth) levels")
        }
        visits += value.partCount
        guard visits <= mostVisits else {
            throw fault("takes more than \(mostVisits) steps to walk over")
        }
        let before = count
        for (name, child) in value.moduleParts ?? value.children {
            path.append(name)
            pathBytes += name.utf8.count + 16
            try visit(child)
            path.removeLast()
            pathBytes -= name.utf8.count + 16
        }
        open.remove(value.id)
        if count == before { barren.insert(value.id) }
    }

    private func fault(_ reason: String) -> PickleValue.WalkFault {
        PickleValue.WalkFault(path: path, reason: reason)
    }
}
