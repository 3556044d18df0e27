import Configuration
import Methods
import Training

/// The only list of what there is; everything else is generic over one entry of it.
enum Registry {
    static let methods: [any PretrainingMethod.Type] = [
        MAE.self
    ]

    /// The method of a name.
    static func method(named name: String) throws -> any PretrainingMethod.Type {
        if let found = methods.first(where: { $0.name == name }) { return found }
        let names = methods.map { $0.name }
        let hint = nearest(name, in: names).map { "; did you mean '\($0)'?" } ?? ""
        throw UsageError(
            "there is no method '\(name)'\(hint) Known: \(names.joined(separator: ", ")); a recipe "
                + "is a path that ends in .yaml")
    }
}
