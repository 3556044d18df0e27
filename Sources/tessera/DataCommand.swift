import ArgumentParser

/// Looks after a data set before a run sees it.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Check a data set, and see it as training does.",
        subcommands: [
            DataCheckCommand.self, DataPreviewCommand.self, DataPackCommand.self,
            DataIndexCommand.self,
        ])
}
