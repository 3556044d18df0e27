import ArgumentParser
import Configuration
import Foundation
import Training

/// Starts a run.
struct PretrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain",
        abstract: "Pre-train an encoder on pictures without labels.",
        discussion: """
            tessera pretrain configs/pretrain/mae/vit-base-16.yaml \\
                --data pictures --out runs/mae
            tessera pretrain mae --data pictures --out runs/small model.depth=6

            tessera pretrain --import-config in1k_vith14_ep300.yaml --data pictures --out runs/jepa

            Settings are key=value pairs over the recipe over the defaults; `tessera config show \
            mae` lists them. Ctrl-C saves and stops, `tessera resume` goes on.
            """)

    @Argument(
        help: """
            A method (\(Registry.methodNames)) or a recipe (.yaml), then settings: optim.lr=1e-3.
            """)
    var recipe: [String] = []

    @Option(
        help: """
            A configuration file of I-JEPA's or StoP's own code in place of a recipe; says what \
            became of each of its keys.
            """)
    var importConfig: String?

    @Option(
        help: """
            A checkpoint of the method's own code to go on from: weights, optimiser, epoch. The \
            settings must be those of its run.
            """)
    var continueFrom: String?

    @Option(help: "The pictures: a folder, tar shards, a list, a pack, IDX or CIFAR files.")
    var data: String

    @OptionGroup var options: RunOptions

    func run() throws {
        let names = recipe.filter { !$0.contains("=") }
        let named: NamedRecipe
        switch (names.count, importConfig) {
        case (1, nil): named = try NamedRecipe(names[0])
        case (0, let path?): named = try NamedRecipe(importing: path)
        default:
            let found = names + (importConfig.map { ["--import-config \($0)"] } ?? [])
            throw UsageError(
                "expected one method or recipe, or --import-config; found "
                    + (found.isEmpty ? "none" : found.joined(separator: ", ")))
        }
        var overrides = named.overrides + ["data.path=\(quoted(whole(data)))"]
        overrides += options.overrides
        if let continueFrom {
            overrides.append("run.continueFrom=\(quoted(whole(continueFrom)))")
        }
        guard !(named.method is any ClassifyingMethod.Type) else {
            throw UsageError(
                "\(named.method.name) is no pre-training: start it with `tessera finetune`, which "
                    + "takes --weights")
        }
        overrides += recipe.filter { $0.contains("=") }
        try start(named.method, named.recipe, overrides)
    }

    private func start<Method: PretrainingMethod>(
        _: Method.Type, _ recipe: Recipe?, _ overrides: [String]
    ) throws {
        let session = try PretrainingSession<Method>(
            recipe: recipe, overrides: overrides, out: options.out, json: options.json)
        try session.run()
    }
}

/// A path from the root on, as a run is resumed from any folder; of `list.txt:folder` both.
func whole(_ path: String) -> String {
    guard path.contains(":"), !FileManager.default.fileExists(atPath: path) else {
        return URL(fileURLWithPath: path).path
    }
    return path.split(separator: ":").map { URL(fileURLWithPath: String($0)).path }
        .joined(separator: ":")
}

/// A path as a YAML text.
func quoted(_ path: String) -> String {
    "'" + path.replacingOccurrences(of: "'", with: "''") + "'"
}

/// Continues a run.
struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Continue a run from its newest checkpoint, to the bit.")

    @Argument(help: "The folder of the run.")
    var folder: String

    @Flag(help: "Write metrics to standard output, one JSON object a line.")
    var json = false

    @Flag(help: "Go on though pictures came, went or were renamed, with those from now on.")
    var allowDataChange = false

    @Argument(
        help: """
            Settings that hold from here on and are kept in config.yaml, such as data.workers=8, \
            optim.lr=1e-4 or schedule.epochs=400.
            """)
    var settings: [String] = []

    func run() throws {
        let run = try NamedRun(folder)
        try resume(run.method, run.recipe)
    }

    private func resume<Method: PretrainingMethod>(_: Method.Type, _ recipe: Recipe) throws {
        let session = try PretrainingSession<Method>(
            resuming: folder, recipe: recipe, overrides: settings,
            allowsDataChange: allowDataChange, json: json)
        try session.run()
    }
}
