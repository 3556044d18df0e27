import Yams

/// Arrays, by what their elements are.
protocol ListType {
    static func elementDefault() throws -> Setting
    static var elementType: any Any.Type { get }
}
extension Array: ListType {
    /// What an element is before its keys are read: the defaults of a section, else nothing.
    static func elementDefault() throws -> Setting {
        if let configuration = Element.self as? any Configuration.Type {
            return try Setting(describing: configuration.init())
        }
        var setting = Setting(off: Element.self)
        setting.isOptional = false
        return setting
    }
    static var elementType: any Any.Type { Element.self }
}

/// Dictionaries, whose order has to be made.
protocol DictionaryType {}
extension Dictionary: DictionaryType {}

/// Completes "expected …".
func describeType(_ type: any Any.Type) -> String {
    if let choices = choices(of: type) { return "one of \(choices.joined(separator: ", "))" }
    switch type {
    case is String.Type: return "text"
    case is Bool.Type: return "true or false"
    case is any UnsignedInteger.Type: return "a whole number, 0 or more"
    case is any BinaryInteger.Type: return "a whole number"
    case is any BinaryFloatingPoint.Type: return "a number"
    case let list as any ListType.Type: return "a list, each \(describeType(list.elementType))"
    case is any Configuration.Type: return "a section of settings"
    default: return "\(type)"
    }
}

/// The raw values of an enum's cases, in order of declaration.
func choices(of type: any Any.Type) -> [String]? {
    (type as? any (CaseIterable & RawRepresentable).Type)?.rawTexts
}
extension CaseIterable where Self: RawRepresentable {
    fileprivate static var rawTexts: [String] { allCases.map { "\($0.rawValue)" } }
}

/// Whether `off` is a value of the type, so that it cannot mean nil.
func hasOff(_ type: any Any.Type) -> Bool {
    type == String.self || type == Bool.self || choices(of: type)?.contains("off") == true
}

/// A truth value as YAML 1.1 and so PyYAML spell it, in whose files `off` is false and not nothing.
func truthValue(_ text: String) -> Bool? {
    switch text {
    case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": true
    case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": false
    default: nil
    }
}

/// Decimal digits, grouped by `_` if one likes; no octal or base-60 readings of older YAML.
func isWholeNumber(_ text: String) -> Bool {
    let digits = text.utf8.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
    let isPlain = digits.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") }
    guard isPlain, text.utf8.count - digits.count <= 1, let first = digits.first else {
        return false
    }
    return digits.count == 1 ? first != UInt8(ascii: "_") : (0x31...0x39).contains(first)
}

/// A decimal number, with or without exponent; not infinite, not NaN.
func isFiniteNumber(_ text: String) -> Bool {
    guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }) else { return false }
    return Double(text)?.isFinite ?? false
}

/// Whether the message was written by the type itself and not by the decoder or the compiler.
func isOwnText(_ context: DecodingError.Context) -> Bool {
    !context.debugDescription.hasPrefix("Cannot initialize")
}

extension Decodable where Self: Encodable {
    /// Decodes a value and describes it again.
    static func roundTrip(_ node: Node) throws -> Setting {
        try Setting(describing: YAMLDecoder().decode(Self.self, from: node))
    }
}

extension YAMLValue {
    /// Nil: `null`, `~`, nothing, or `off` where that cannot be a value of the type.
    func isOff(for type: any Any.Type) -> Bool {
        switch content {
        case .null: return true
        case .scalar("off", quoted: false): return !hasOff(type)
        default: return false
        }
    }
}

extension Setting {
    /// The tree as the decoder reads it; what is off is left out.
    var node: Node {
        switch content {
        case .off: Node("null", .implicit, .plain)
        case .scalar(let text, let isText):
            Node(text, Tag(isText ? .str : .implicit), isText ? .doubleQuoted : .plain)
        case .list(let elements): Node(elements.map(\.node))
        case .section(let fields):
            Node(
                fields.compactMap { field in
                    if case .off = field.setting.content { return nil }
                    return (Node(field.name), field.setting.node)
                })
        case .given(let value): value.node
        }
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do {
            return try YAMLDecoder().decode(type, from: node)
        } catch let error as ConfigurationError {
            throw error
        } catch {
            // Every value was checked against its type when it was merged.
            fatalError("\(Value.self) does not decode what it encodes: \(error)")
        }
    }

    /// Calls `validate` of every section, from the innermost out.
    func validate(sources: [String: ConfigurationSource], at key: String = "") throws {
        switch content {
        case .section(let fields):
            for field in fields {
                let inner = key.isEmpty ? field.name : "\(key).\(field.name)"
                try field.setting.validate(sources: sources, at: inner)
            }
        case .list(let elements):
            for (index, element) in elements.enumerated() {
                try element.validate(sources: sources, at: "\(key)[\(index)]")
            }
        default: break
        }
        do {
            try configuration?.validate()
        } catch var error as ConfigurationError {
            if !key.isEmpty { error.key = error.key.isEmpty ? key : "\(key).\(error.key)" }
            error.source = error.source ?? nearestSource(of: error.key, in: sources)
            throw error
        }
    }

    /// The source of a setting, or of what it is part of.
    private func nearestSource(of key: String, in sources: [String: ConfigurationSource])
        -> ConfigurationSource?
    {
        var key = key
        while true {
            if let source = sources[key] { return source }
            guard let end = key.lastIndex(where: { $0 == "." || $0 == "[" }) else { return nil }
            key = String(key[..<end])
        }
    }
}
