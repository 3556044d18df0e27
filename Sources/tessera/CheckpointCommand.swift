import ArgumentParser
import Foundation

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

/// A size for people: `1.2 GB`.
func readableBytes(_ bytes: Int) -> String {
    switch bytes {
    case 1_000_000_000...: String(format: "%.2f GB", Double(bytes) / 1e9)
    case 1_000_000...: String(format: "%.1f MB", Double(bytes) / 1e6)
    default: "\(bytes) bytes"
    }
}
