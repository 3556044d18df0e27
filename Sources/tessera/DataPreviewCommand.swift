import ArgumentParser
import Configuration
import Data
import Foundation
import Reports
import TensorFiles
import Training
import VisionModels

/// Shows the views that a run would make of its first pictures.
struct DataPreviewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview",
        abstract: "Show pictures as training sees them: every view, in several epochs.",
        discussion: """
            tessera data preview pictures mae --out preview.html
            tessera data preview pictures configs/pretrain/mae/vit-base-16.yaml run.seed=3

            The loader of a run makes the views, with its seed: these are the first pictures of \
            that run, as its model will get them.
            """)

    @Argument(help: "The pictures, as for `tessera pretrain --data`.")
    var path: String

    @Argument(help: "A method (mae) or a recipe (a .yaml file), then settings as key=value.")
    var recipe: [String] = []

    @Option(help: "The page that is written.")
    var out = "preview.html"

    @Option(help: "How many pictures.")
    var count = 8

    @Option(help: "How many epochs of each.")
    var epochs = 3

    @Flag(help: "Print one JSON object: page, its path; pictures, their names.")
    var json = false

    func validate() throws {
        for (name, value, most) in [("--count", count, 1000), ("--epochs", epochs, 100)]
        where !(1...most).contains(value) {
            throw ValidationError("\(name) is \(value), expected a number from 1 to \(most)")
        }
    }

    func run() throws {
        let names = recipe.filter { !$0.contains("=") }
        guard names.count <= 1 else {
            throw UsageError("\(names.joined(separator: " and ")) are two recipes, expected one")
        }
        let named = try NamedRecipe(names.first ?? "mae")
        let settings = recipe.filter { $0.contains("=") }
        try show(named.method, named.recipe, named.overrides + settings)
    }

    private func show<Method: PretrainingMethod>(
        _: Method.Type, _ recipe: Recipe?, _ overrides: [String]
    ) throws {
        var settings = try RunConfiguration<Method.Config>.resolve(
            recipe: recipe, overrides: overrides
        ).value
        settings.data.path = path
        let source = try settings.data.open(silent: json)
        let preview = try ViewPreview(
            source: source, settings: settings.data, imageSize: settings.model.imageSize,
            channels: settings.model.channels, seed: settings.run.seed, count: count,
            epochs: epochs, views: settings.method.views(size:))
        let page = try preview.page(title: path, method: Method.name)
        try AtomicFile(path: out).finish(Data(page.html.markup.utf8))
        if json {
            try JSONLine.write(Written(page: out, pictures: preview.rows.map(\.name)))
        } else {
            print(out)
        }
    }

    private struct Written: Encodable {
        let page: String
        let pictures: [String]
    }
}
