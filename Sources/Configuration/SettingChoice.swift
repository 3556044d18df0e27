/// One of several kinds of settings: in recipes a mapping whose one key says which kind it is.
///
/// ```yaml
/// - resize: {size: 256}
/// - horizontalFlip: {}
/// ```
/// Keys of the kind are checked as those of a section, so that an error names the one that is wrong.
public protocol SettingChoice: Codable, Sendable {
    /// The names of all kinds.
    static var kinds: [String] { get }

    /// The settings of a kind that a recipe leaves as they are; nil for a name that no kind has.
    static func defaults(of kind: String) -> (any Encodable & Sendable)?
}

extension Setting {
    /// Takes over a mapping with one key: the defaults of that kind with what is given over them.
    mutating func merge(
        _ change: YAMLValue, choiceOf choice: any SettingChoice.Type, _ place: Place
    )
        throws
    {
        let source = place.source(change.line)
        guard case .mapping(let entries) = change.content, entries.count == 1 else {
            let names = choice.kinds.sorted().joined(separator: ", ")
            throw ConfigurationError.wrongType(
                place.key, source, found: change.foundKeys,
                expected: "a mapping with one key, of \(names)")
        }
        let (kind, line, value) = entries[0]
        guard let defaults = choice.defaults(of: kind) else {
            throw unknownKey(kind, line, known: choice.kinds.sorted(), place)
        }
        var inner = try Setting(describing: defaults)
        switch value.content {
        case .null: break  // `horizontalFlip:` without arguments is as good as `{}`
        case .mapping: try inner.mergeKeys(value, place.inside(kind))
        default:
            throw ConfigurationError.wrongType(
                place.inside(kind).key, place.source(value.line), found: value.found,
                expected: "a section of " + inner.fieldNames.joined(separator: ", "))
        }
        content = .section([Field(name: kind, setting: inner)])
        self.source = source
        do {
            _ = try choice.roundTrip(node)
        } catch let error as ConfigurationError {
            throw error.inside(place.key, source)
        }
    }
}

extension Setting {
    fileprivate var fieldNames: [String] {
        guard case .section(let fields) = content else { return [] }
        return fields.map(\.name)
    }
}

extension ConfigurationError {
    /// A problem of a part of a value, of which `key` says the part; empty for the value itself.
    package static func refused(_ key: String, _ problem: String) -> ConfigurationError {
        ConfigurationError(kind: .invalidValue, key: key, source: nil, problem: problem)
    }

    /// The error with the key of what it is part of.
    func inside(_ outer: String, _ source: ConfigurationSource) -> ConfigurationError {
        var error = self
        if !outer.isEmpty { error.key = key.isEmpty ? outer : "\(outer).\(key)" }
        error.source = self.source ?? source
        return error
    }
}

/// `steps[0].size`: where a decoder is.
package func settingPath(_ path: [any CodingKey]) -> String {
    path.reduce("") { text, key in
        if let index = key.intValue { return "\(text)[\(index)]" }
        return text.isEmpty ? key.stringValue : "\(text).\(key.stringValue)"
    }
}

extension YAMLValue {
    /// What an error calls it, with the keys of a mapping: `'resize'`, `a mapping of a, b`.
    fileprivate var foundKeys: String {
        guard case .mapping(let entries) = content, !entries.isEmpty else { return found }
        return "a mapping of " + entries.map(\.key).joined(separator: ", ")
    }
}
