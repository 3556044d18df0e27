import ArgumentParser

/// Shows what masks hide.
struct MasksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "masks", abstract: "See what masks hide, and how often.",
        subcommands: [MasksPreviewCommand.self])
}
