import TensorFiles

/// The modules of a checkpoint: names split at their dots, alike numbered blocks folded.
struct CheckpointTree {
    /// A module, a tensor, or a run of blocks that are alike.
    struct Node {
        /// The part of the name, `norm1`; `0-11` for a run.
        var label: String
        /// Only at the ends.
        var tensor: TensorRecord?
        /// The whole name of the tensor.
        var name: String?
        var children: [Node] = []
        /// Blocks that this node stands for; `children` are those of the first.
        var repeats = 1

        /// Numbers, bytes and tensors in all, repeats included.
        var count = 0
        var byteCount = 0
        var tensorCount = 0
        /// Element types below, in the order of appearance.
        var types: [ElementType] = []
    }

    private(set) var roots: [Node]

    /// Dots beyond so many are part of the last name.
    private static let depthLimit = 64

    /// - Parameters:
    ///   - tensors: with dotted names, in the order of the file.
    ///   - isFolded: shows `blocks.0` … `blocks.11` of the same shapes and types once.
    init(_ tensors: [(name: String, tensor: TensorRecord)], isFolded: Bool) {
        let items = tensors.map { item in
            Item(
                parts: item.name.split(
                    separator: ".", maxSplits: Self.depthLimit, omittingEmptySubsequences: false),
                name: item.name, tensor: item.tensor)
        }
        roots = Self.nodes(items, depth: 0, isFolded: isFolded)
    }

    private struct Item {
        let parts: [Substring]
        let name: String
        let tensor: TensorRecord
    }

    private static func nodes(_ items: [Item], depth: Int, isFolded: Bool) -> [Node] {
        var order: [Substring] = []
        var groups: [Substring: [Item]] = [:]
        for item in items {
            if groups[item.parts[depth]] == nil { order.append(item.parts[depth]) }
            groups[item.parts[depth], default: []].append(item)
        }
        // Some writers sort names as texts, which puts block 10 before block 2.
        let numbers = order.compactMap { Int($0) }
        if numbers.count == order.count {
            order = zip(numbers, order).sorted { $0.0 < $1.0 }.map(\.1)
        }
        var nodes: [Node] = []
        for part in order {
            let group = groups[part] ?? []
            for item in group where item.parts.count == depth + 1 {
                nodes.append(
                    Node(
                        label: String(part), tensor: item.tensor, name: item.name,
                        count: item.tensor.count, byteCount: item.tensor.byteCount, tensorCount: 1,
                        types: [item.tensor.elementType]))
            }
            let below = group.filter { $0.parts.count > depth + 1 }
            guard !below.isEmpty else { continue }
            nodes.append(
                module(
                    String(part), Self.nodes(below, depth: depth + 1, isFolded: isFolded)))
        }
        return isFolded ? folded(nodes) : nodes
    }

    private static func module(_ label: String, _ children: [Node]) -> Node {
        var node = Node(label: label, children: children)
        for child in children {
            node.count += child.count
            node.byteCount += child.byteCount
            node.tensorCount += child.tensorCount
            for type in child.types where !node.types.contains(type) { node.types.append(type) }
        }
        // A module of one part has no line of its own: `patch_embed.proj`.
        guard children.count == 1, let only = children.first, only.tensor == nil else {
            return node
        }
        node.label += "." + only.label
        node.children = only.children
        node.repeats = only.repeats
        return node
    }

    /// Joins neighbours whose numbers follow one another and whose insides are the same.
    private static func folded(_ nodes: [Node]) -> [Node] {
        var result: [Node] = []
        for node in nodes {
            guard var last = result.last, last.tensor == nil, node.tensor == nil,
                node.repeats == 1, let run = Run(last), let next = Run(node),
                next.first == run.last + 1, next.rest == run.rest, hasSameForm(last, node)
            else {
                result.append(node)
                continue
            }
            last.label = "\(run.first)-\(next.last)" + run.rest
            last.repeats += 1
            last.count += node.count
            last.byteCount += node.byteCount
            last.tensorCount += node.tensorCount
            result[result.count - 1] = last
        }
        return result
    }

    /// The numbers in front of a label: `0-3.attn` is 0 to 3, and `.attn` after them.
    private struct Run {
        let first: Int
        let last: Int
        let rest: String

        init?(_ node: Node) {
            let head = node.label.prefix { $0 != "." }
            rest = String(node.label.dropFirst(head.count))
            if node.repeats == 1 {
                guard let number = Int(head), number >= 0 else { return nil }
                (first, last) = (number, number)
                return
            }
            let ends = head.split(separator: "-").compactMap { Int($0) }
            // The run of another part, further inside: `0.blocks.0-1`.
            guard ends.count == 2 else { return nil }
            (first, last) = (ends[0], ends[1])
        }
    }

    private static func hasSameForm(_ a: Node, _ b: Node) -> Bool {
        guard a.children.count == b.children.count else { return false }
        return zip(a.children, b.children).allSatisfy { x, y in
            x.label == y.label && x.repeats == y.repeats
                && x.tensor?.shape == y.tensor?.shape
                && x.tensor?.elementType == y.tensor?.elementType && hasSameForm(x, y)
        }
    }
}
