import ArgumentParser
import Configuration
import Foundation
import Training

/// Writes a run's report anew.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write report.html of a run: curves, pictures, scores, settings.")

    @Argument(help: "The folder of the run.")
    var folder: String

    @Flag(help: "Print one JSON object: report, its path.")
    var json = false

    func run() throws {
        let recipe = try Recipe(contentsOf: folder + "/config.yaml")
        guard let name = recipe.text(at: "run.method") else {
            throw UsageError("\(folder)/config.yaml does not say run.method")
        }
        let url = URL(fileURLWithPath: folder, isDirectory: true)
        let report = try write(Registry.method(named: name), url)
        if json {
            try JSONLine.write(["report": report.relativePath])
        } else {
            print(report.relativePath)
        }
    }

    private func write<Method: PretrainingMethod>(_: Method.Type, _ url: URL) throws -> URL {
        try RunReport.write(for: Method.self, run: url)
    }
}
