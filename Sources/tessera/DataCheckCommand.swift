import ArgumentParser
import Data
import Foundation
import Training

/// Finds what harms training or costs time in a data set.
struct DataCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Find pictures that cannot be read, copies, odd sizes; measure the rest.",
        discussion: """
            tessera data check pictures --out check.html

            Reads and decodes every picture once. With --out it writes three files: the report \
            check.html, the same as check.json, and check.bad.txt, the pictures that cannot be \
            read, one a line. Ends with status 65 if there are any.
            """)

    @Argument(help: "The pictures, as for `tessera pretrain --data`.")
    var path: String

    @Option(help: "The report, a file that ends in .html; two others get its name.")
    var out: String?

    @Flag(help: "Print one JSON object: the whole report.")
    var json = false

    @Option(help: "Threads; the default is one a core. They never change a result.")
    var threads: Int?

    @Option(help: "Look at so many pictures of each part only, evenly spread.")
    var sample: Int?

    @Option(help: "Seconds after which a file that a disk does not deliver is bad; 0 for any time.")
    var readTimeout = 120.0

    func validate() throws {
        guard (0...1e6).contains(readTimeout) else {
            throw ValidationError(
                "--read-timeout is \(readTimeout), expected a number from 0 to 1000000")
        }
        for (name, value) in [("--threads", threads), ("--sample", sample)] {
            if let value, value < 1 {
                throw ValidationError("\(name) is \(value), expected a number above 0")
            }
        }
        if let out, !out.hasSuffix(".html") {
            throw ValidationError("--out is '\(out)', expected a name that ends in .html")
        }
    }

    func run() throws {
        var options = AuditOptions()
        if let threads { options.threads = threads }
        options.sample = sample
        options.readTimeout = readTimeout > 0 ? .seconds(readTimeout) : nil
        let files = try out.map { try DataCheckFiles($0) }
        let audit = DataAudit(
            path: path,
            parts: try AuditPart.all(of: path, options: SourceProgress(silent: json).options),
            options: options)
        let progress = ProgressLine(silent: json)
        let result = try audit.run { done, total in
            progress.update("\(grouped(done)) of \(grouped(total)) pictures", isLast: done == total)
        }
        let report = result.report
        try files?.write(result, of: audit)
        if json {
            try JSONLine.write(report)
        } else {
            print(DataCheckText(report).text)
            print(
                files?.names.joined(separator: "  ")
                    ?? "--out check.html writes pictures, charts, and the list of bad files")
        }
        if report.bad > 0 { throw ExitCode(ExitStatus.badData.rawValue) }
    }
}

/// `1,281,167`.
func grouped(_ number: Int) -> String {
    var text = ""
    for (place, digit) in String(number).reversed().enumerated() {
        if place > 0, place % 3 == 0, digit != "-" { text.append(",") }
        text.append(digit)
    }
    return String(text.reversed())
}
