import ArgumentParser
import Foundation
import Training

/// Looks into files of weights and converts them; nothing in a file is ever executed.
struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Look into files of weights, compare, check, convert them.",
        subcommands: [
            CheckpointInspectCommand.self, CheckpointDiffCommand.self, CheckpointVerifyCommand.self,
            CheckpointExtractCommand.self, CheckpointConvertCommand.self,
            CheckpointExportCommand.self,
        ])
}

/// A file of weights itself, or of the folder of a run its newest checkpoint that is intact.
///
/// - Throws: `UsageError` for a run without one.
func weightsFile(_ path: String) throws -> String {
    let checkpoints = path + "/checkpoints"
    guard FileManager.default.fileExists(atPath: path + "/config.yaml"),
        FileManager.default.fileExists(atPath: checkpoints)
    else { return path }
    let store = CheckpointStore(URL(fileURLWithPath: checkpoints), keep: 0)
    guard let newest = store.newest() else {
        throw UsageError("\(checkpoints) holds no intact checkpoint")
    }
    return newest.path
}

/// A size for people: `1.2 GB`.
func readableBytes(_ bytes: Int) -> String {
    switch bytes {
    case 1_000_000_000...: String(format: "%.2f GB", Double(bytes) / 1e9)
    case 1_000_000...: String(format: "%.1f MB", Double(bytes) / 1e6)
    default: "\(bytes) bytes"
    }
}
