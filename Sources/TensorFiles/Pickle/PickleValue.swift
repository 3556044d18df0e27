/// A value of a pickle, as data: nothing of it was ever executed.
///
/// A handle into the values of the file: copying it costs nothing, values that the pickle shares
/// are shared here, and a container may contain itself.
public struct PickleValue: Sendable {
    let graph: PickleGraph
    let id: NodeID

    /// What a value is, one level deep.
    public enum Content: Sendable {
        case none
        case bool(Bool)
        case int(Int)
        /// Little-endian two's complement of more than 8 bytes.
        case bigInt(ByteSlice)
        case double(Double)
        case string(String)
        case bytes(ByteSlice)
        case list([PickleValue])
        case tuple([PickleValue])
        case set([PickleValue])
        /// In the order of writing; `OrderedDict` and `defaultdict` too.
        case dict([(key: PickleValue, value: PickleValue)])
        /// A class or function by name.
        case global(module: String, name: String)
        /// An instance or the result of a call, as a record.
        case object(PickleObject)
        /// A reference to something outside the pickle that is no tensor storage of the file.
        case persistentID(PickleValue)
        case tensor(TensorRecord)
        /// A tensor of a kind that is not read, with the reason.
        case refused(String)
    }

    public var content: Content {
        switch node {
        case .none: .none
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .bigInt(let index): .bigInt(graph.store.slices[Int(index)])
        case .double(let value): .double(value)
        case .string(let text): .string(text)
        case .bytes(let index): .bytes(graph.store.slices[Int(index)])
        case .list(let items): .list(items.map(value))
        case .tuple(let items): .tuple(items.map(value))
        case .set(let items): .set(items.map(value))
        case .dict(let pairs): .dict(entries(pairs))
        case .global(let index):
            .global(
                module: graph.store.globals[Int(index)].module,
                name: graph.store.globals[Int(index)].name)
        case .object(let index): .object(PickleObject(graph.store.objects[Int(index)], graph))
        case .persistent(let id): .persistentID(value(id))
        case .tensor(let index): .tensor(graph.store.tensors[Int(index)])
        case .refused(let index): .refused(graph.store.reasons[Int(index)])
        }
    }

    var node: PickleNode { graph.store[id] }

    func value(_ id: NodeID) -> PickleValue { PickleValue(graph: graph, id: id) }

    func entries(_ pairs: [NodeID]) -> [(key: PickleValue, value: PickleValue)] {
        stride(from: 0, to: pairs.count & ~1, by: 2).map { i in
            (value(pairs[i]), value(pairs[i + 1]))
        }
    }
}

/// An instance of a class, or a call, that a pickle asks for: recorded, not carried out.
public struct PickleObject: Sendable {
    /// The class or function, `argparse.Namespace`; a description where it is not just a name.
    public let name: String
    /// True for the result of a call, false for an instance of a class.
    public let isCall: Bool
    public let arguments: PickleValue
    public let keywords: PickleValue?
    /// What the instance's state is set to: mostly a dictionary of attributes.
    public let state: PickleValue?
    /// Elements, for subclasses of list and set.
    public let items: [PickleValue]
    /// Entries, for subclasses of dict.
    public let entries: [(key: PickleValue, value: PickleValue)]

    init(_ node: PickleObjectNode, _ graph: PickleGraph) {
        let arguments = PickleValue(graph: graph, id: node.arguments)
        name = Self.name(of: node.callable, in: graph.store)
        isCall = node.isCall
        self.arguments = arguments
        keywords = node.keywords.map(arguments.value)
        state = node.state.map(arguments.value)
        items = node.items.map(arguments.value)
        entries = arguments.entries(node.pairs)
    }

    /// Attributes by name: the state where it is a dictionary, slots after it.
    public var attributes: [(name: String, value: PickleValue)] {
        var parts: [PickleValue] = []
        switch state?.content {
        case .tuple(let items)?: parts = items
        default: parts = state.map { [$0] } ?? []
        }
        return parts.flatMap { part -> [(name: String, value: PickleValue)] in
            guard case .dict(let entries) = part.content else { return [] }
            return entries.compactMap { entry in entry.key.string.map { ($0, entry.value) } }
        }
    }

    /// Follows no chain of calls: a pickle may make it as long as it likes.
    private static func name(of callable: NodeID, in store: PickleStore) -> String {
        if let global = store.global(callable) { return "\(global.module).\(global.name)" }
        switch store[callable] {
        case .persistent(let id):
            // Old files hold ('module', class, path of the source, source) in place of a class.
            guard let parts = store.tuple(id), parts.count == 4,
                store.string(parts[0]) == "module", let global = store.global(parts[1])
            else { return "a persistent object" }
            return "\(global.module).\(global.name)"
        case .object: return "the result of a call"
        default: return "a value that is no class"
        }
    }
}
