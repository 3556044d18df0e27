import Configuration
import Data

/// A way to mask under its name: the settings of a publication.
struct NamedMask: Sendable {
    let name: String
    /// What it is, and whose.
    let title: String
    let scheme: any MaskScheme.Type
    /// What differs from the defaults of `scheme`, in YAML.
    var differences = ""

    /// The settings with those of the command line over them.
    ///
    /// - Parameter overrides: `key=value`.
    /// - Returns: the scheme, and each setting with where its value came from.
    /// - Throws: `ConfigurationError` for keys and values that make no sense.
    func resolve(_ overrides: [String]) throws -> (
        scheme: any MaskScheme, settings: [ResolvedSetting]
    ) {
        try resolve(scheme, overrides)
    }

    private func resolve<Scheme: MaskScheme>(_: Scheme.Type, _ overrides: [String]) throws -> (
        scheme: any MaskScheme, settings: [ResolvedSetting]
    ) {
        let resolved = try Scheme.resolve(
            recipe: Recipe(yaml: differences, named: name), overrides: overrides)
        return (resolved.value, resolved.settings)
    }
}

extension Registry {
    /// The masks of a name.
    static func mask(named name: String) throws -> NamedMask {
        if let found = masks.first(where: { $0.name == name }) { return found }
        let names = masks.map(\.name)
        let hint = nearest(name, in: names).map { ": did you mean '\($0)'?" } ?? "."
        throw UsageError(
            "there are no masks '\(name)'\(hint) Known: \(names.joined(separator: ", "))")
    }
}
