import Foundation

/// A configuration with the origin of every value.
public struct ResolvedConfiguration<Value: Configuration>: Sendable {
    public let value: Value
    /// All plain values and lists, in order of declaration; a section that is off is one of them.
    public let settings: [ResolvedSetting]
    let sources: [String: ConfigurationSource]
    private let final: Setting

    init(value: Value, final: Setting, merged: Setting) {
        self.value = value
        self.final = final
        let sources = Dictionary(
            merged.all().map { ($0.key, $0.setting.source) }, uniquingKeysWith: { $1 })
        self.sources = sources
        settings = final.leaves().map { leaf in
            ResolvedSetting(
                key: leaf.key, value: leaf.setting.flowText,
                source: sources[leaf.key] ?? .defaults, documentation: leaf.documentation)
        }
    }

    /// Whether a setting was given, in a recipe or an override.
    public func states(_ key: String) -> Bool { (sources[key] ?? .defaults) != .defaults }

    /// The line of a recipe that states a setting, the first one for a section; nil for none.
    func line(of key: String) -> Int? {
        let lines = sources.compactMap { stated, source -> Int? in
            guard stated == key || stated.hasPrefix("\(key)."), case .file(_, let line) = source
            else { return nil }
            return line
        }
        return lines.min()
    }

    /// The settings as a recipe that resolves to the same value.
    ///
    /// Each line ends in a comment with the source. With `documented`, a setting's line of help
    /// stands above it.
    public func yaml(documented: Bool = false) -> String {
        var lines: [(text: String, source: ConfigurationSource?)] = []
        final.write(to: &lines, indent: 0, key: "", sources: sources, documented: documented)
        let longest = lines.filter { $0.source != nil }.map(\.text.count).max() ?? 0
        let column = min(longest, 48)
        return lines.map { line in
            guard let source = line.source else { return line.text + "\n" }
            let padding = String(repeating: " ", count: max(0, column - line.text.count))
            return "\(line.text)\(padding)  # \(source)\n"
        }.joined()
    }
}

extension ResolvedConfiguration {
    /// Each setting as a JSON object on one line: key, value, source, help or null.
    ///
    /// Values are of their types: numbers, texts, lists, null for what is off.
    public func jsonLines() throws -> [String] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try final.leaves().map { leaf in
            let line = JSONSetting(
                key: leaf.key, value: leaf.setting,
                source: (sources[leaf.key] ?? .defaults).description, help: leaf.documentation)
            return String(decoding: try encoder.encode(line), as: UTF8.self)
        }
    }
}

private struct JSONSetting: Encodable {
    let key: String
    let value: Setting
    let source: String
    let help: String?

    private enum Key: CodingKey { case key, value, source, help }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(key, forKey: .key)
        try container.encode(value, forKey: .value)
        try container.encode(source, forKey: .source)
        // Not encodeIfPresent: every object has all four keys.
        try container.encode(help, forKey: .help)
    }
}

/// One line of a resolved configuration.
public struct ResolvedSetting: Sendable, Equatable {
    /// `optim.lr`.
    public let key: String
    /// In YAML: `0.001`, `[0.9, 0.95]`, `null`.
    public let value: String
    public let source: ConfigurationSource
    public let documentation: String?
}

extension Setting {
    /// This setting and everything in it, sections before their fields.
    func all(at key: String = "") -> [(key: String, setting: Setting)] {
        var result = [(key: key, setting: self)]
        switch content {
        case .section(let fields):
            for field in fields {
                result += field.setting.all(at: key.isEmpty ? field.name : "\(key).\(field.name)")
            }
        case .list(let elements):
            for (index, element) in elements.enumerated() {
                result += element.all(at: "\(key)[\(index)]")
            }
        default: break
        }
        return result
    }

    typealias Leaf = (key: String, setting: Setting, documentation: String?)

    /// What has a value of its own, with its line of help.
    func leaves(at key: String = "") -> [Leaf] {
        guard case .section(let fields) = content else { return [(key, self, nil)] }
        return fields.flatMap { field -> [Leaf] in
            let inner = key.isEmpty ? field.name : "\(key).\(field.name)"
            if case .section = field.setting.content { return field.setting.leaves(at: inner) }
            return [(inner, field.setting, documentation(of: field.name))]
        }
    }

    private func documentation(of field: String) -> String? {
        configuration.map { Swift.type(of: $0).documentation }?[field]
    }

    typealias Line = (text: String, source: ConfigurationSource?)

    /// Sections and lists of sections as blocks, all else on one line with its source.
    func write(
        to lines: inout [Line], indent: Int, key: String, sources: [String: ConfigurationSource],
        documented: Bool
    ) {
        guard case .section(let fields) = content else { return }
        let margin = String(repeating: " ", count: indent)
        for field in fields {
            let inner = key.isEmpty ? field.name : "\(key).\(field.name)"
            let source = sources[inner] ?? .defaults
            if documented, let help = documentation(of: field.name) {
                lines.append(("\(margin)# \(help)", nil))
            }
            let name = quotedIfNeeded(field.name)
            switch field.setting.content {
            case .section(let inside) where !inside.isEmpty:
                lines.append(("\(margin)\(name):", nil))
                field.setting.write(
                    to: &lines, indent: indent + 2, key: inner, sources: sources,
                    documented: documented)
            case .list(let elements) where elements.contains(where: \.isSection):
                lines.append(("\(margin)\(name):", source))
                for (index, element) in elements.enumerated() {
                    var block: [Line] = []
                    element.write(
                        to: &block, indent: indent + 4, key: "\(inner)[\(index)]",
                        sources: sources, documented: documented)
                    if block.isEmpty {
                        lines.append(("\(margin)  - \(element.flowText)", source))
                    } else {
                        block[0].text = "\(margin)  - " + block[0].text.dropFirst(indent + 4)
                        lines += block
                    }
                }
            default: lines.append(("\(margin)\(name): \(field.setting.flowText)", source))
            }
        }
    }

    private var isSection: Bool {
        if case .section = content { true } else { false }
    }

    /// The value on one line of YAML.
    var flowText: String {
        switch content {
        case .off: return "null"
        case .scalar(let text, let isText): return isText ? quotedIfNeeded(text) : text
        case .list(let elements): return "[\(elements.map(\.flowText).joined(separator: ", "))]"
        case .section(let fields):
            let entries = fields.map { "\(quotedIfNeeded($0.name)): \($0.setting.flowText)" }
            return "{\(entries.joined(separator: ", "))}"
        case .given: fatalError("only settings that describe a value are written")
        }
    }
}

extension Setting: Encodable {
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// The value as JSON has it.
    func encode(to encoder: any Encoder) throws {
        switch content {
        case .section(let fields):
            var container = encoder.container(keyedBy: Name.self)
            for field in fields {
                try container.encode(field.setting, forKey: Name(stringValue: field.name))
            }
        case .list(let elements):
            var container = encoder.unkeyedContainer()
            for element in elements { try container.encode(element) }
        case .off:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .scalar(let text, let isText):
            var container = encoder.singleValueContainer()
            if isText {
                try container.encode(text)
            } else if let truth = Bool(text) {
                try container.encode(truth)
            } else if let number = Int(text) {
                try container.encode(number)
            } else if let number = UInt64(text) {
                try container.encode(number)
            } else if let number = Double(text) {
                try container.encode(number)
            } else {
                fatalError("a plain setting is a number or a truth value, not '\(text)'")
            }
        case .given: fatalError("only settings that describe a value are written")
        }
    }
}

/// A text that YAML reads back as this text: as it is, or in double quotes.
private func quotedIfNeeded(_ text: String) -> String {
    let isWord = text.utf8.allSatisfy { byte in
        (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte)
            || (0x30...0x39).contains(byte) || "_-./".utf8.contains(byte)
    }
    let startsPlainly = text.utf8.first.map { (0x41...0x7a).contains($0) || $0 == 0x2f } ?? false
    let reserved = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
    if isWord, startsPlainly, !reserved.contains(text.lowercased()) { return text }
    // A JSON string is a YAML string in double quotes.
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    guard let data = try? encoder.encode(text) else { fatalError("a string is always JSON") }
    return String(decoding: data, as: UTF8.self).unicodeScalars.map { scalar in
        switch scalar.value {
        // Characters that YAML, unlike JSON, admits only as escapes, or folds as line breaks.
        case 0x7f...0x9f, 0x2028, 0x2029, 0xfeff, 0xfffe, 0xffff:
            "\\u" + String(scalar.value + 0x10000, radix: 16).dropFirst()
        default: String(scalar)
        }
    }.joined()
}
