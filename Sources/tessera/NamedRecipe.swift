import Configuration
import Foundation
import Methods
import Training

/// A method as users name it: by its name, by a recipe, or by a configuration file of its authors.
struct NamedRecipe {
    let method: any PretrainingMethod.Type
    /// What a recipe or such a file states.
    let recipe: Recipe?
    /// Stand over it; empty where the recipe was made for the method.
    let overrides: [String]

    /// `mae`, or the path of a recipe.
    init(_ text: String) throws {
        let isFile = text.hasSuffix(".yaml") || text.hasSuffix(".yml") || text.contains("/")
        recipe = isFile ? try Recipe(contentsOf: text) : nil
        guard let name = isFile ? recipe?.text(at: "run.method") : text else {
            throw UsageError("\(text) does not say run.method, such as `run: {method: mae}`")
        }
        method = try Registry.method(named: name)
        overrides = ["run.method=\(name)"]
    }

    /// A configuration file of I-JEPA's or StoP's own code; says on stderr what became of each key.
    init(importing path: String) throws {
        let theirs = try ReferenceRecipe.resolve(recipe: Recipe(contentsOf: path))
        let imported = try theirs.value.imported()
        let notes =
            imported.notes + ReferenceRecipe.silent(theirs, noted: imported.notes.map(\.key))
        let width = notes.map(\.key.count).max() ?? 0
        let lines = notes.map { key, meaning in
            "  " + key.padding(toLength: width, withPad: " ", startingAt: 0) + "  " + meaning
        }
        let text = ([path + ", as settings of \(imported.method):"] + lines).joined(separator: "\n")
        FileHandle.standardError.write(Data((text + "\n").utf8))
        recipe = try Recipe(imported.changes, named: path, of: theirs)
        method = try Registry.method(named: imported.method)
        overrides = []
    }
}
