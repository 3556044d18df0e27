/// A setting that cannot be used: which one, where it was set, what it is, what it should be.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Equatable {
        /// No setting has this name.
        case unknownKey
        /// The value is not of the setting's type.
        case wrongType
        /// The value is of its type but out of range, or contradicts another setting.
        case invalidValue
        /// The text is not YAML, too large, or not of the form `key=value`.
        case malformed
        /// The recipe cannot be opened.
        case unreadable
    }
    public let kind: Kind
    /// The whole path of the setting, such as `optim.lr`; empty for an error of the whole text.
    public internal(set) var key: String
    /// Where the value was set; nil or `.defaults` when there is nothing to point at.
    public internal(set) var source: ConfigurationSource?
    /// What follows the key in the description.
    let problem: String

    /// A value that `Configuration.validate()` refuses.
    ///
    /// - Parameters:
    ///   - key: relative to the section that validates: `heads`, or `model.heads` from outside.
    ///   - found: the value.
    ///   - expected: completes the sentence "expected …".
    ///   - advice: what to do about it, if that is not plain.
    /// - Returns: the error to throw; the place is added on its way.
    public static func invalid(
        _ key: String, found: some CustomStringConvertible, expected: String, advice: String? = nil
    ) -> ConfigurationError {
        let advice = advice.map { "; \($0)" } ?? ""
        return ConfigurationError(
            kind: .invalidValue, key: key, source: nil,
            problem: "is \(found), expected \(expected)\(advice)")
    }

    /// The same of a setting of a section: `minKeep` as `method.masks.minKeep`.
    public func inside(_ section: String) -> ConfigurationError {
        var error = self
        error.key = "\(section).\(key)"
        return error
    }

    static func wrongType(
        _ key: String, _ source: ConfigurationSource, found: String, expected: String
    ) -> ConfigurationError {
        ConfigurationError(
            kind: .wrongType, key: key, source: source,
            problem: "is \(found), expected \(expected)")
    }

    static func malformed(_ problem: String, _ source: ConfigurationSource?) -> ConfigurationError {
        ConfigurationError(kind: .malformed, key: "", source: source, problem: problem)
    }

    /// `recipe.yaml:12: optim.lr is 'fast', expected a number`.
    public var description: String {
        var text = ""
        if let source, source != .defaults { text += "\(source): " }
        switch kind {
        case .unknownKey: text += "unknown key '\(key)'; \(problem)"
        default: text += key.isEmpty ? problem : "\(key) \(problem)"
        }
        return text
    }
}
