import ArgumentParser
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
        let run = try NamedRun(folder)
        let report = try write(run.method, run.folder)
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
