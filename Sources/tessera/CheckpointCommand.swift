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

/// A file of weights itself, or of the folder of a run its newest checkpoint; damaged ones are named.
///
/// - Throws: `RunFolderError` for a run without an intact one.
func weightsFile(_ path: String) throws -> String {
    guard FileManager.default.fileExists(atPath: path + "/config.yaml"),
        FileManager.default.fileExists(atPath: path + "/checkpoints")
    else { return path }
    return try CheckpointStore.newest(
        ofRun: URL(fileURLWithPath: path), reportingDamaged: noteDamaged
    ).path
}

/// Says on stderr that an older checkpoint is taken in the place of a damaged one.
func noteDamaged(_ checkpoint: URL, _ error: any Error) {
    let note = "tessera: passing over a damaged checkpoint, \(checkpoint.path): \(error)\n"
    FileHandle.standardError.write(Data(note.utf8))
}

/// A size for people: `1.2 GB`.
func readableBytes(_ bytes: Int) -> String {
    switch bytes {
    case 1_000_000_000...: String(format: "%.2f GB", Double(bytes) / 1e9)
    case 1_000_000...: String(format: "%.1f MB", Double(bytes) / 1e6)
    default: "\(bytes) bytes"
    }
}
