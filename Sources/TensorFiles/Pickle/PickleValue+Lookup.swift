extension PickleValue {
    public var isNone: Bool {
        if case .none = node { return true }
        return false
    }

    public var bool: Bool? {
        if case .bool(let value) = node { return value }
        return nil
    }

    public var int: Int? {
        if case .int(let value) = node { return value }
        return nil
    }

    /// A floating-point number; integers too.
    public var double: Double? {
        switch node {
        case .double(let value): value
        case .int(let value): Double(value)
        default: nil
        }
    }

    /// A text; a path of Python's `pathlib` too, its parts joined.
    public var string: String? {
        switch node {
        case .string(let text): return text
        case .object(let index):
            let object = graph.store.objects[Int(index)]
            guard let name = graph.store.global(object.callable),
                name.module == "pathlib" || name.module.hasPrefix("pathlib."),
                name.name.hasSuffix("Path"), let parts = graph.store.tuple(object.arguments),
                parts.count <= 1 << 12
            else { return nil }
            let texts = parts.compactMap { graph.store.string($0) }
            guard texts.count == parts.count else { return nil }
            let joined = texts.joined(separator: "/")
            // The first part of an absolute path is its root.
            return texts.first == "/" && texts.count > 1 ? String(joined.dropFirst()) : joined
        default: return nil
        }
    }

    public var tensor: TensorRecord? {
        if case .tensor(let index) = node { return graph.store.tensors[Int(index)] }
        return nil
    }

    /// Elements of a list, tuple or set; nil for everything else.
    public var elements: [PickleValue]? {
        switch node {
        case .list(let items), .tuple(let items), .set(let items): items.map(value)
        default: nil
        }
    }

    /// The named parts: entries of a dictionary, elements by index, attributes of an object.
    ///
    /// Keys that are numbers or truth values appear as text; other keys have no name and are left
    /// out. Of equal keys the last one holds, at the place of the first, as in Python.
    public var children: [(name: String, value: PickleValue)] {
        switch content {
        case .dict(let entries): return Self.named(entries)
        case .list(let items), .tuple(let items), .set(let items):
            return items.enumerated().map { ("\($0.offset)", $0.element) }
        case .object(let object):
            let items = object.items.enumerated().map { ("\($0.offset)", $0.element) }
            // `__immutable__` and the like are the class's bookkeeping, not data.
            let attributes = object.attributes.filter {
                !($0.name.hasPrefix("__") && $0.name.hasSuffix("__"))
            }
            return Self.unique(items + Self.named(object.entries) + attributes)
        default: return []
        }
    }

    /// The child called `name`: a key, an index, an attribute.
    public subscript(name: String) -> PickleValue? {
        switch node {
        case .list(let items), .tuple(let items), .set(let items):
            guard let index = Int(name), items.indices.contains(index) else { return nil }
            return value(items[index])
        default: return children.last { $0.name == name }?.value
        }
    }

    /// The value reached by `path` from here, or nil.
    public func value(at path: [String]) -> PickleValue? {
        path.reduce(self as PickleValue?) { $0?[$1] }
    }

    private static func named(
        _ entries: [(key: PickleValue, value: PickleValue)]
    ) -> [(name: String, value: PickleValue)] {
        unique(entries.compactMap { entry in entry.key.asName.map { ($0, entry.value) } })
    }

    private static func unique(
        _ children: [(name: String, value: PickleValue)]
    ) -> [(name: String, value: PickleValue)] {
        var places: [String: Int] = [:]
        var result: [(name: String, value: PickleValue)] = []
        for child in children {
            if let place = places[child.name] {
                result[place] = child
            } else {
                places[child.name] = result.count
                result.append(child)
            }
        }
        return result
    }

    private var asName: String? {
        switch node {
        case .string(let text): text
        case .int(let value): "\(value)"
        case .bool(let value): value ? "True" : "False"
        case .double(let value): "\(value)"
        case .none: "None"
        default: nil
        }
    }
}
