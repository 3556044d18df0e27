import ArgumentParser
import Torch

/// The root of the command line.
@main
struct Tessera: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tessera",
        abstract: "Pre-train vision encoders without labels, evaluate them, see what they learned.",
        discussion: """
            Start with `tessera quickstart`: a few minutes on two cores, no downloads.
            """,
        version: Version.text,
        subcommands: [
            QuickstartCommand.self, PretrainCommand.self, FinetuneCommand.self, ResumeCommand.self,
            EvaluateCommand.self, EmbedCommand.self, AttentionCommand.self, ReportCommand.self,
            DataCommand.self, MasksCommand.self, CheckpointCommand.self,
            ConfigCommand.self, DoctorCommand.self,
        ])

    static func main() {
        TorchFailureHandler.install(ExitStatus.end(with:))
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            ExitStatus.end(with: error)
        }
    }
}
