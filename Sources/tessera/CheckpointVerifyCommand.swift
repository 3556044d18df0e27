import ArgumentParser
import Foundation
import TensorFiles

/// Finds damage in a file of weights, and numbers that no training should leave.
struct CheckpointVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check structure, checksums and numbers of a checkpoint.",
        discussion: """
            tessera checkpoint verify checkpoint.pth

            Errors: a damaged file, a wrong checksum, NaN, infinities. Warnings: rows of weights \
            that are all zero, many denormal numbers, tensors of kinds that are not read. Notes: \
            constant tensors. Ends with status 65 if there are errors, or with --strict also if \
            there are warnings.
            """)

    @Argument(help: "The file.")
    var file: String

    @Flag(help: "End with status 65 for warnings too.")
    var strict = false

    @Flag(help: "One JSON object a line: each finding, then the counts.")
    var json = false

    func run() throws {
        var report = CheckpointFindingReport(file: file, isJSON: json)
        do {
            try check(&report)
        } catch let error as TensorFileError where error.kind != .unreadable {
            // That a file can be opened is what was asked: the answer is a finding too.
            try report.add(error)
        }
        try report.finish()
        if report.errors > 0 || (strict && report.warnings > 0) {
            throw ExitCode(ExitStatus.badData.rawValue)
        }
    }

    private func check(_ report: inout CheckpointFindingReport) throws {
        let checkpoint = try CheckpointFile(path: file)
        report.form = checkpoint.form
        // After a wrong checksum it goes on: the numbers may show where the damage is.
        switch checkpoint {
        case .numpy: break
        case .safeTensors(let file):
            do {
                if try file.verify() { report.checksums = "header and data" }
            } catch {
                report.checksums = "header and data"
                try report.add(error)
            }
        case .pyTorch(let file):
            guard let (compared, damaged) = file.checkRecords() else { break }
            report.checksums = "\(compared) records"
            for error in damaged { try report.add(error) }
        }
        let (tensors, refused) = try checkpoint.scan()
        report.tensors = tensors.count
        for (name, reason) in refused {
            try report.add(
                CheckpointFinding(
                    severity: .warning, kind: .unread, place: name,
                    detail: "is a tensor that \(reason)"))
        }
        var seen: Set<String> = []
        for (name, _) in tensors where !seen.insert(name).inserted {
            try report.add(
                CheckpointFinding(
                    severity: .error, kind: .duplicate, place: name, detail: "names two tensors"))
        }
        let parts = try checkpoint.stateDictionaries()
        let tensorCheck = CheckpointTensorCheck(parts)
        for part in parts {
            for (name, tensor) in part.tensors {
                for finding in tensorCheck.findings(
                    tensor, name: part.prefix + name, kind: part.kind)
                {
                    try report.add(finding)
                }
            }
        }
    }
}
