import ArgumentParser
import Configuration
import Training

/// Shows settings.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show the settings of a method, their defaults and help.",
        subcommands: [Show.self])

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Print every setting as YAML, with its meaning and where its value is from.")

        @Argument(help: "A method (\(Registry.methodNames)) or a recipe (a .yaml file).")
        var recipe: String

        @Flag(help: "Print one JSON object a setting: key, value, source, help.")
        var json = false

        @Argument(help: "Settings over it, such as data.batchSize=512.")
        var settings: [String] = []

        func run() throws {
            let named = try NamedRecipe(recipe)
            try show(named.method, named.recipe, named.overrides + settings)
        }

        private func show<Method: PretrainingMethod>(
            _: Method.Type, _ recipe: Recipe?, _ overrides: [String]
        ) throws {
            let resolved = try RunConfiguration<Method.Config>.resolve(
                recipe: recipe, overrides: overrides)
            guard json else { return print(resolved.yaml(documented: true)) }
            for line in try resolved.jsonLines() { JSONLine.write(line: line) }
        }
    }
}
