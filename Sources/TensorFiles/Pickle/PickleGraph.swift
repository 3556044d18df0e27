/// Index of a value among those of a pickle.
typealias NodeID = Int32

/// One value of a pickle; containers hold indices, so that sharing and cycles cost nothing.
enum PickleNode: Sendable {
    case none
    case bool(Bool)
    case int(Int)
    /// Index into `slices`: little-endian two's complement, more than 8 bytes.
    case bigInt(Int32)
    case double(Double)
    case string(String)
    /// Index into `slices`.
    case bytes(Int32)
    case list([NodeID])
    case tuple([NodeID])
    case set([NodeID])
    /// Keys and values in turn.
    case dict([NodeID])
    /// Index into `globals`.
    case global(Int32)
    /// Index into `objects`.
    case object(Int32)
    case persistent(NodeID)
    /// Index into `tensors`.
    case tensor(Int32)
    /// Index into `reasons`: a tensor of a kind that is not read.
    case refused(Int32)
}

/// A class or function that a pickle names: only ever a name here.
struct PickleGlobal: Sendable, Hashable {
    let module: String
    let name: String
}

/// A call that a pickle asks for, and what it would do with the result; nothing of it happens.
struct PickleObjectNode: Sendable {
    /// The function or class; `isCall` tells which.
    let callable: NodeID
    let arguments: NodeID
    var keywords: NodeID?
    /// Made by REDUCE, not by one of the opcodes that create an instance of a class.
    let isCall: Bool
    /// Argument of BUILD: mostly the instance's attributes.
    var state: NodeID?
    /// What was appended or added, for subclasses of list and set.
    var items: [NodeID] = []
    /// Keys and values in turn, for subclasses of dict.
    var pairs: [NodeID] = []
}

/// All values of a pickle, in flat arrays: no depth, so nothing recurses when it is freed.
struct PickleStore: Sendable {
    private(set) var nodes: [PickleNode] = []
    private(set) var globals: [PickleGlobal] = []
    var objects: [PickleObjectNode] = []
    private(set) var slices: [ByteSlice] = []
    private(set) var tensors: [TensorRecord] = []
    private(set) var reasons: [String] = []
    /// Of the pickle.
    var byteCount = 0

    /// Values that need no node of their own.
    static let none: NodeID = 0
    static let `false`: NodeID = 1
    static let `true`: NodeID = 2
    static let emptyTuple: NodeID = 3

    init() {
        nodes = [.none, .bool(false), .bool(true), .tuple([])]
    }

    subscript(id: NodeID) -> PickleNode {
        get { nodes[Int(id)] }
        set { nodes[Int(id)] = newValue }
    }

    mutating func add(_ node: PickleNode) -> NodeID {
        nodes.append(node)
        return NodeID(nodes.count - 1)
    }

    mutating func bytes(_ slice: ByteSlice) -> PickleNode {
        slices.append(slice)
        return .bytes(Int32(slices.count - 1))
    }

    mutating func bigInt(_ slice: ByteSlice) -> PickleNode {
        slices.append(slice)
        return .bigInt(Int32(slices.count - 1))
    }

    mutating func global(_ global: PickleGlobal) -> PickleNode {
        globals.append(global)
        return .global(Int32(globals.count - 1))
    }

    mutating func object(_ object: PickleObjectNode) -> PickleNode {
        objects.append(object)
        return .object(Int32(objects.count - 1))
    }

    mutating func tensor(_ tensor: TensorRecord) -> PickleNode {
        tensors.append(tensor)
        return .tensor(Int32(tensors.count - 1))
    }

    mutating func refused(_ reason: String) -> PickleNode {
        reasons.append(reason)
        return .refused(Int32(reasons.count - 1))
    }

    /// Appends to the list or set `id`, or with `asPairs` to the dictionary; false where it is none.
    ///
    /// The node is emptied while its array grows, so that the array is not copied.
    mutating func append(_ items: ArraySlice<NodeID>, to id: NodeID, asPairs: Bool) -> Bool {
        let node = self[id]
        self[id] = .none
        switch consume node {
        case .list(var old) where !asPairs:
            old.append(contentsOf: items)
            self[id] = .list(old)
        case .set(var old) where !asPairs:
            old.append(contentsOf: items)
            self[id] = .set(old)
        case .dict(var old) where asPairs:
            old.append(contentsOf: items)
            self[id] = .dict(old)
        case let other:
            self[id] = other
            return false
        }
        return true
    }

    // Readings of a node as what an interpreter of calls expects, nil where it is not that.

    func string(_ id: NodeID) -> String? {
        if case .string(let text) = self[id] { return text }
        return nil
    }

    func int(_ id: NodeID) -> Int? {
        if case .int(let value) = self[id] { return value }
        return nil
    }

    func tuple(_ id: NodeID) -> [NodeID]? {
        if case .tuple(let items) = self[id] { return items }
        return nil
    }

    func sequence(_ id: NodeID) -> [NodeID]? {
        switch self[id] {
        case .tuple(let items), .list(let items): items
        default: nil
        }
    }

    func ints(_ id: NodeID) -> [Int]? {
        guard let items = sequence(id), items.count <= 64 else { return nil }
        let values = items.compactMap { int($0) }
        return values.count == items.count ? values : nil
    }

    func global(_ id: NodeID) -> PickleGlobal? {
        if case .global(let index) = self[id] { return globals[Int(index)] }
        return nil
    }

    func object(_ id: NodeID) -> PickleObjectNode? {
        if case .object(let index) = self[id] { return objects[Int(index)] }
        return nil
    }
}

/// The values of a pickle after reading; it never changes.
final class PickleGraph: Sendable {
    let store: PickleStore

    init(_ store: PickleStore) { self.store = store }
}
