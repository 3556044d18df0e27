import Yams

/// A value of a YAML text with the line that it stands in; aliases are put in, keys are plain.
struct YAMLValue: Sendable {
    indirect enum Content: Sendable {
        case null
        case scalar(String, quoted: Bool)
        case list([YAMLValue])
        case mapping([(key: String, line: Int, value: YAMLValue)])
    }
    let content: Content
    let line: Int
    /// A value of the command line exactly as it was typed.
    let typed: String?

    init(content: Content, line: Int, typed: String?) {
        self.content = content
        self.line = line
        self.typed = typed
    }

    /// Parses one document; nil if it is empty.
    ///
    /// `name` is nil for a value of the command line.
    static func parse(_ yaml: String, named name: String?) throws -> YAMLValue? {
        let label = name ?? "command line"
        guard yaml.utf8.count <= Limits.bytes else { throw Limits.tooLarge(label) }
        // The parser compares whole keys, and a key may be an alias of aliases: few enough of them
        // keep that bounded. What only looks like an anchor (in a comment) counts as well.
        let count = indicatorCounts(yaml)
        guard count.anchors <= Limits.anchors, count.aliases <= Limits.aliases else {
            throw ConfigurationError.malformed(
                "\(label): more than \(Limits.anchors) anchors or \(Limits.aliases) aliases", nil)
        }
        let node: Node?
        do {
            node = try Yams.compose(yaml: yaml)
        } catch let error as YamlError {
            throw Self.readable(error, label)
        }
        guard let node else { return nil }
        var budget = Limits.values
        return try YAMLValue(node, label, depth: 0, &budget)
    }

    private init(_ node: Node, _ label: String, depth: Int, _ budget: inout Int) throws {
        let line = node.mark?.line ?? 1
        self.line = line
        typed = nil
        budget -= 1
        guard budget >= 0, depth <= Limits.depth else {
            throw ConfigurationError.malformed(
                "\(label): more than \(Limits.values) values or \(Limits.depth) levels", nil)
        }
        switch node {
        case .scalar(let scalar):
            let plain = scalar.style == .plain || scalar.style == .any
            let isNull = plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
            content = isNull ? .null : .scalar(scalar.string, quoted: !plain)
        case .sequence(let sequence):
            var values: [YAMLValue] = []
            for element in sequence {
                values.append(try YAMLValue(element, label, depth: depth + 1, &budget))
            }
            content = .list(values)
        case .mapping(let mapping):
            var entries: [(key: String, line: Int, value: YAMLValue)] = []
            for (key, value) in mapping {
                guard let name = key.scalar?.string else {
                    throw ConfigurationError.malformed(
                        "\(label):\(line): a key is a list or a mapping, expected a name", nil)
                }
                let value = try YAMLValue(value, label, depth: depth + 1, &budget)
                entries.append((name, key.mark?.line ?? line, value))
            }
            // `1` and `"1"` are different keys to YAML, but the same setting.
            let names = entries.map(\.key).sorted()
            if let twice = zip(names, names.dropFirst()).first(where: ==)?.0 {
                throw ConfigurationError.malformed(
                    "\(label):\(line): the key '\(twice)' stands twice in one section", nil)
            }
            content = .mapping(entries)
        case .alias:
            throw ConfigurationError.malformed("\(label):\(line): unresolved alias", nil)
        }
    }

    /// How many `&name` and `*name` stand where YAML would read an anchor or an alias.
    private static func indicatorCounts(_ yaml: String) -> (anchors: Int, aliases: Int) {
        var count = (anchors: 0, aliases: 0)
        var previous = UInt8(ascii: "\n")
        var candidate: UInt8?
        for byte in yaml.utf8 {
            let isSpace = byte <= 0x20
            if let indicator = candidate, !isSpace {
                if indicator == UInt8(ascii: "&") { count.anchors += 1 } else { count.aliases += 1 }
            }
            let opens = previous <= 0x20 || "[{,:?-".utf8.contains(previous)
            let indicates = byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*")
            candidate = opens && indicates ? byte : nil
            previous = byte
        }
        return count
    }

    private static func readable(_ error: YamlError, _ label: String) -> ConfigurationError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return .malformed("\(label):\(mark.line): not valid YAML: \(problem)", nil)
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.map { "'\($0)'" }.joined(separator: ", ")
            return .malformed(
                "\(label):\(context.mark.line): the key \(names) stands twice in one section", nil)
        case .reader(let problem, _, _, _):
            return .malformed("\(label): not valid YAML: \(problem)", nil)
        default:
            return .malformed("\(label): not valid YAML", nil)
        }
    }

    /// What an error calls it: `'fast'`, `a list`, `empty`.
    var found: String {
        switch content {
        case .null: "empty"
        case .scalar(let text, _): "'\(text.count > 60 ? text.prefix(60) + "…" : text)'"
        case .list: "a list"
        case .mapping: "a section"
        }
    }

    /// For the decoder: without anchors, tags and merge keys.
    var node: Node {
        switch content {
        case .null: Node("null", .implicit, .plain)
        case .scalar(let text, let quoted):
            Node(text, Tag(quoted ? .str : .implicit), quoted ? .doubleQuoted : .plain)
        case .list(let values): Node(values.map(\.node))
        case .mapping(let entries): Node(entries.map { (Node($0.key), $0.value.node) })
        }
    }
}
