import Foundation
public import TensorFiles

/// A checkpoint as a user names it: a file, the index of a sharded one, or a folder that holds
/// either, with the settings that lie beside it.
///
/// Hugging Face's folders hold `model.safetensors` or `pytorch_model.bin`, large models several
/// numbered files and a `….index.json` that says which tensor is in which, and a `config.json`.
public struct CheckpointSource: Sendable {
    /// What the user named.
    public let path: String
    /// The files, as messages call them.
    public let files: [(path: String, file: CheckpointFile)]
    /// The sets of tensors; those of a sharded checkpoint are one.
    public let parts: [StateDictionary]
    /// The entries at the top of the file, those without tensors too; none in safetensors.
    public let topKeys: [String]
    /// Settings from `config.json` beside the file.
    public let settings: ModelSettings?
    /// The folder of the files.
    let folder: URL

    /// Names of whole files and of indices in a folder, the preferred ones first.
    private static let known = [
        "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
        "pytorch_model.bin.index.json",
    ]

    /// Opens a checkpoint; nothing in it is executed.
    ///
    /// - Parameter path: of a file in any form that `CheckpointFile` reads, of an index, of a folder.
    /// - Throws: `TensorFileError` where something is missing or cannot be read.
    public init(path: String) throws {
        self.path = path
        let place = try Self.locate(path)
        let folder = URL(fileURLWithPath: place).deletingLastPathComponent()
        self.folder = folder
        settings = try ModelSettings(beside: folder)
        if place.hasSuffix(".index.json") {
            let shards = try ShardIndex(path: place)
            files = try shards.files.map { name in
                let shard = folder.appendingPathComponent(name).path
                return (shard, try CheckpointFile(path: shard))
            }
            parts = [try shards.join(files)]
            topKeys = []
            return
        }
        let file = try CheckpointFile(path: place)
        files = [(place, file)]
        parts = try file.stateDictionaries()
        topKeys = Self.topKeys(of: file)
    }

    /// A file that is open already; `path` is its name, beside which settings may lie.
    public init(_ file: CheckpointFile, path: String) throws {
        self.path = path
        folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        settings = try ModelSettings(beside: folder)
        files = [(path, file)]
        parts = try file.stateDictionaries()
        topKeys = Self.topKeys(of: file)
    }

    /// Compares the files with the checksums that they hold.
    ///
    /// - Throws: `TensorFileError` of the kind `checksum` where the content has changed since it was written.
    public func verify() throws(TensorFileError) {
        for (_, file) in files {
            switch file {
            case .safeTensors(let file): try file.verify()
            case .pyTorch(let file): try file.verify()
            case .numpy: break
            }
        }
    }

    /// Whether a folder is one checkpoint, with a file or an index of a known name, and not a folder of
    /// several.
    public static func isCheckpoint(folder path: String) -> Bool {
        known.contains { name in
            FileManager.default.fileExists(
                atPath: URL(fileURLWithPath: path).appendingPathComponent(name).path)
        }
    }

    private static func topKeys(of file: CheckpointFile) -> [String] {
        guard case .pyTorch(let pickle) = file else { return [] }
        return pickle.root.children.map(\.name)
    }

    /// The file or index that `path` stands for.
    private static func locate(_ path: String) throws(TensorFileError) -> String {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
            isFolder.boolValue
        else { return path }
        for name in known {
            let file = URL(fileURLWithPath: path).appendingPathComponent(name).path
            if FileManager.default.fileExists(atPath: file) { return file }
        }
        throw TensorFileError(
            .missingKey, file: path,
            problem: "is a folder without a checkpoint of a known name",
            remedy: "name the file itself; known are " + known.joined(separator: ", "))
    }
}
