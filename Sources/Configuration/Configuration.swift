/// Settings of one part of a run: a flat or nested struct whose declared values are the defaults.
///
/// A value is made in layers, each over the one before: the defaults of `init()`, one YAML recipe that
/// states only differences, and overrides `optim.lr=1e-3` of the command line. Keys are
/// the names of the properties; a key that no property has is an error, never ignored.
///
/// ```swift
/// struct Optim: Configuration {
///     var lr = 1.5e-4
///     var clip: Double? = 3.0  // nil means off
///     static let documentation = ["lr": "Learning rate at batch size 256."]
/// }
/// let optim = try Optim.resolve(overrides: ["clip=off"]).value
/// ```
///
/// Nested sections conform too, so that a section that is off by default can be switched on by
/// setting one of its keys. Enums with raw values list their cases in errors when they conform to
/// `CaseIterable`.
public protocol Configuration: Codable, Sendable {
    /// The defaults.
    init()

    /// Throws `ConfigurationError.invalid` for a value that its type admits but that makes no sense.
    ///
    /// Keys are given relative to this section; sections are validated from the innermost out.
    func validate() throws

    /// One line of help for a property, by the property's name; shown by `tessera config show`.
    static var documentation: [String: String] { get }
}

extension Configuration {
    public func validate() throws {}

    public static var documentation: [String: String] { [:] }

    /// Throws `ConfigurationError.invalid` where a value is not right: a line of `validate()`.
    ///
    /// - Parameters:
    ///   - isRight: what must hold.
    ///   - key: the setting, relative to this section.
    ///   - found: its value.
    ///   - expected: completes the sentence "expected …".
    ///   - advice: what to do about it, if that is not plain.
    /// - Throws: `ConfigurationError` for what does not hold.
    public func check(
        _ isRight: Bool, _ key: String, _ found: some Any, expected: String, advice: String? = nil
    ) throws {
        guard !isRight else { return }
        throw ConfigurationError.invalid(
            key, found: "\(found)", expected: expected, advice: advice)
    }

    /// Merges defaults, recipe and overrides, and says where each value came from.
    ///
    /// - Parameters:
    ///   - recipe: differences from the defaults; nil for none.
    ///   - base: differences from the defaults beneath the recipe, such as what a pre-trained encoder
    ///     brings with it; nil for none.
    ///   - overrides: `key.path=value`, the value in YAML, later ones over earlier ones.
    /// - Returns: the validated value with the source of each setting.
    /// - Throws: `ConfigurationError` with key, place, what was found and what was expected.
    public static func resolve(
        recipe: Recipe? = nil, over base: Recipe? = nil, overrides: [String] = []
    ) throws -> ResolvedConfiguration<Self> {
        let known = try Setting(describing: Self())
        var tree = known
        for case let layer? in [base, recipe] {
            for change in layer.changes {
                let place = Setting.Place(key: "", known: known) { line in
                    change.source ?? .file(layer.name, line: line)
                }
                try tree.merge(change.value, place)
            }
        }
        for text in overrides {
            let change = try YAMLValue.override(text)
            try tree.merge(change, Setting.Place(key: "", known: known) { _ in .commandLine })
        }
        let value = try tree.decode(Self.self)
        let final = try Setting(describing: value)
        let resolved = ResolvedConfiguration(value: value, final: final, merged: tree)
        try final.validate(sources: resolved.sources)
        return resolved
    }
}
