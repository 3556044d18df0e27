import Yams

/// A setting: a plain value, a list, or a section of further settings, with its type and source.
///
/// `Configuration.resolve` describes the defaults as such a tree, merges the layers into it, and
/// decodes the result.
struct Setting: Sendable {
    struct Field: Sendable {
        let name: String
        var setting: Setting
    }
    indirect enum Content: Sendable {
        /// Nil.
        case off
        /// A number, a truth value or (`isText`) a text.
        case scalar(String, isText: Bool)
        case list([Setting])
        case section([Field])
        /// A value as it was given, whose type alone knows its keys.
        case given(YAMLValue)
    }
    var content: Content
    let type: any Any.Type
    var isOptional = false
    var source = ConfigurationSource.defaults
    /// A section with its own defaults, rules and documentation.
    var configuration: (any Configuration)?

    /// Describes a value and, in order of declaration, everything in it.
    init(describing value: some Encodable) throws {
        type = Swift.type(of: value)
        configuration = value as? any Configuration
        switch value {
        case let text as String: content = .scalar(text, isText: true)
        case let truth as Bool: content = .scalar(truth ? "true" : "false", isText: false)
        case let number as any BinaryInteger: content = .scalar("\(number)", isText: false)
        case let number as any BinaryFloatingPoint: content = .scalar("\(number)", isText: false)
        default:
            let encoder = SettingEncoder()
            try value.encode(to: encoder)
            content = encoder.content
        }
        if case .section(let fields) = content, value is any DictionaryType {
            content = .section(fields.sorted { $0.name < $1.name })
        }
    }

    init(_ content: Content, of type: any Any.Type) {
        self.content = content
        self.type = type
    }

    /// A setting that is nil, and would be of `type`.
    init(off type: any Any.Type) {
        self.type = type
        content = .off
        isOptional = true
    }

    private init(_ content: Content, like other: Setting, source: ConfigurationSource) {
        self = other
        self.content = content
        self.source = source
    }

    /// Where in the tree and in which layer a change stands.
    struct Place {
        var key: String
        /// The whole tree of defaults, to find a key that was written in the wrong section.
        let known: Setting
        /// Where a line of the layer is from.
        let source: (_ line: Int) -> ConfigurationSource

        func inside(_ name: String) -> Place {
            var place = self
            place.key = key.isEmpty ? name : "\(key).\(name)"
            return place
        }
        func element(_ index: Int) -> Place {
            var place = self
            place.key = "\(key)[\(index)]"
            return place
        }
    }

    /// Puts `change` over this setting: sections key by key, everything else as a whole.
    mutating func merge(_ change: YAMLValue, _ place: Place) throws {
        let source = place.source(change.line)
        if isOptional, change.isOff(for: type) {
            self = Setting(.off, like: self, source: source)
        } else if let configuration = type as? any Configuration.Type {
            if case .off = content {
                let isOptional = isOptional
                self = try Setting(describing: configuration.init())
                self.isOptional = isOptional
                self.source = source
            }
            // `optim:` with all its keys commented out changes nothing.
            if case .null = change.content { return }
            try mergeKeys(change, place)
        } else if let choice = type as? any SettingChoice.Type {
            try merge(change, choiceOf: choice, place)
        } else if let list = type as? any ListType.Type {
            guard case .list(let values) = change.content else {
                throw wrongType(change, place)
            }
            let element = try list.elementDefault()
            let elements = try values.enumerated().map { index, value in
                var setting = element
                try setting.merge(value, place.element(index))
                return setting
            }
            self = Setting(.list(elements), like: self, source: source)
        } else {
            self = Setting(try leaf(change, place), like: self, source: source)
        }
    }

    mutating func mergeKeys(_ change: YAMLValue, _ place: Place) throws {
        guard case .mapping(let entries) = change.content, case .section(var fields) = content
        else { throw wrongType(change, place) }
        for (key, line, value) in entries {
            guard let index = fields.firstIndex(where: { $0.name == key }) else {
                throw unknownKey(key, line, known: fields.map(\.name), place)
            }
            try fields[index].setting.merge(value, place.inside(key))
        }
        content = .section(fields)
    }

    func unknownKey(_ key: String, _ line: Int, known: [String], _ place: Place)
        -> ConfigurationError
    {
        let sibling = nearest(key, in: known)
        let elsewhere = place.known.leaves().map(\.key).first {
            $0.split(separator: ".").last.map { plainLetters(String($0)) } == plainLetters(key)
        }
        // A key spelled right in the wrong place beats a similar one here.
        let isSame = sibling.map { plainLetters($0) == plainLetters(key) } ?? false
        let meant = isSame ? sibling : elsewhere ?? sibling
        let list = known.isEmpty ? "nothing" : known.joined(separator: ", ")
        let problem = meant.map { "did you mean '\($0)'? Known here: \(list)" }
        return ConfigurationError(
            kind: .unknownKey, key: place.inside(key).key, source: place.source(line),
            problem: problem ?? "known here: \(list)")
    }

    private func wrongType(_ change: YAMLValue, _ place: Place) -> ConfigurationError {
        .wrongType(
            place.key, place.source(change.line), found: change.found, expected: expected)
    }

    /// Completes "expected …".
    private var expected: String {
        guard isOptional else { return describeType(type) }
        return describeType(type) + (hasOff(type) ? ", or null" : ", or off")
    }

    /// Checks a value against the type of this setting, so that decoding cannot fail later.
    private func leaf(_ change: YAMLValue, _ place: Place) throws -> Content {
        if type == String.self { return .scalar(try text(change, place), isText: true) }
        if type == Bool.self {
            return .scalar(try truth(change, place) ? "true" : "false", isText: false)
        }
        if case .scalar(let text, let quoted) = change.content {
            let error = wrongType(change, place)
            if type is any BinaryInteger.Type {
                guard !quoted, isWholeNumber(text) else { throw error }
            } else if type is any BinaryFloatingPoint.Type {
                guard !quoted, isFiniteNumber(text) else { throw error }
            } else if let choices = choices(of: type) {
                guard choices.contains(text) else {
                    let hint = nearest(text, in: choices).map { "; did you mean '\($0)'?" } ?? ""
                    throw ConfigurationError.wrongType(
                        place.key, error.source ?? .defaults, found: change.found,
                        expected: expected + hint)
                }
            }
        }
        try decodeCheck(change, place)
        return .given(change)
    }

    private func text(_ change: YAMLValue, _ place: Place) throws -> String {
        switch change.content {
        case .scalar(let text, quoted: true): return text
        case .scalar(let text, quoted: false): return change.typed ?? text
        case .null where change.typed == "": return ""
        default:
            guard let typed = change.typed, !typed.isEmpty else { throw wrongType(change, place) }
            return typed
        }
    }

    private func truth(_ change: YAMLValue, _ place: Place) throws -> Bool {
        guard case .scalar(let text, quoted: false) = change.content,
            let truth = truthValue(text)
        else { throw wrongType(change, place) }
        return truth
    }

    private func decodeCheck(_ change: YAMLValue, _ place: Place) throws {
        guard let decodable = type as? any (Decodable & Encodable).Type else { return }
        let encoded: Setting
        do {
            encoded = try decodable.roundTrip(change.node)
        } catch let error as ConfigurationError {
            throw error.inside(place.key, place.source(change.line))
        } catch DecodingError.dataCorrupted(let context) where isOwnText(context) {
            throw ConfigurationError.wrongType(
                place.key, place.source(change.line), found: change.found,
                expected: context.debugDescription.hasPrefix("expected ")
                    ? String(context.debugDescription.dropFirst("expected ".count))
                    : "\(describeType(type)): \(context.debugDescription)")
        } catch is DecodingError {
            throw wrongType(change, place)
        } catch {
            // What the type itself says is worth more than its name.
            throw ConfigurationError.refused(place.key, "is \(change.found); \(error)")
                .inside("", place.source(change.line))
        }
        if case .scalar(let text, isText: false) = encoded.content, text.hasSuffix("inf") {
            throw wrongType(change, place)  // finite, but too large for a Float
        }
        try encoded.checkKeys(of: change, place)
    }

    /// Refuses keys of a value that decoding passed over.
    private func checkKeys(of change: YAMLValue, _ place: Place) throws {
        switch (change.content, content) {
        case (.mapping(let entries), .section(let fields)):
            for (key, line, value) in entries {
                guard let field = fields.first(where: { $0.name == key }) else {
                    throw unknownKey(key, line, known: fields.map(\.name), place)
                }
                try field.setting.checkKeys(of: value, place.inside(key))
            }
        case (.list(let values), .list(let settings)):
            for (index, pair) in zip(values, settings).enumerated() {
                try pair.1.checkKeys(of: pair.0, place.element(index))
            }
        default: break
        }
    }
}
