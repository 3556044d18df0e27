import Checkpoints
import Configuration
import Foundation
import Training

/// A run as users name it: by its folder, or by one of its checkpoints.
struct NamedRun {
    let folder: URL
    let recipe: Recipe
    let method: any PretrainingMethod.Type

    /// The run in a folder.
    ///
    /// - Throws: `ConfigurationError` or `UsageError` where there is none.
    init(_ path: String) throws {
        let recipe = try Recipe(contentsOf: path + "/config.yaml")
        guard let name = recipe.text(at: "run.method") else {
            throw UsageError("\(path)/config.yaml does not say run.method: it is no run of ours")
        }
        folder = URL(fileURLWithPath: path, isDirectory: true)
        self.recipe = recipe
        method = try Registry.method(named: name)
    }

    /// The run that a folder or a checkpoint is of; nil for those of others.
    ///
    /// - Throws: `UsageError` for a run of an unknown method.
    init?(of url: URL) throws {
        let parent = url.deletingLastPathComponent()
        var folders = [url]
        if parent.lastPathComponent == "checkpoints" {
            folders.append(parent.deletingLastPathComponent())
        }
        let found = folders.lazy.compactMap { folder -> (URL, Recipe, String)? in
            let config = folder.appendingPathComponent("config.yaml").path
            guard let recipe = try? Recipe(contentsOf: config),
                let name = recipe.text(at: "run.method")
            else { return nil }
            return (folder, recipe, name)
        }.first
        guard let (folder, recipe, name) = found else { return nil }
        self.folder = folder
        self.recipe = recipe
        method = try Registry.method(named: name)
    }

    /// The checkpoint that the folder or one of its files stands for.
    ///
    /// - Parameter path: that `init(of:)` found the run by.
    /// - Returns: the newest that is intact, or that file.
    /// - Throws: `RunFolderError` where none is intact, `TensorFileError` for a damaged file.
    func checkpoint(at path: String) throws -> URL {
        let url = URL(fileURLWithPath: path)
        guard url != folder else {
            return try CheckpointStore.newest(ofRun: folder, reportingDamaged: noteDamaged)
        }
        try CheckpointSource(path: path).verify()
        return url
    }
}
