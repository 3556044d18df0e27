import ArgumentParser
import Foundation
import TensorFiles

/// Says how the tensors of two files differ.
struct CheckpointDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare two checkpoints tensor by tensor.",
        discussion: """
            tessera checkpoint diff a.pth b.safetensors --prefix-a student.module.backbone.

            Tensors of the same name are compared as numbers, whatever their types. NaN equals NaN. \
            Ends with status 0 if all are equal, 1 if something differs (a name, a shape, a type, \
            a number), 65 if a file cannot be read. One tensor at a time is in memory.
            """)

    @Argument(help: "The first file or run, A.")
    var a: String

    @Argument(help: "The second file or run, B.")
    var b: String

    @Option(help: "Compare only the tensors of A whose names start so, without that start.")
    var prefixA = ""

    @Option(help: "The same for B.")
    var prefixB = ""

    @Option(help: "Numbers that are no further apart than this are equal.")
    var tolerance = 0.0

    @Option(help: "Numbers are equal too if |a - b| / max(|a|, |b|) is at most this.")
    var relativeTolerance = 0.0

    @Flag(help: "A type that differs is no difference where the numbers are equal.")
    var ignoreDtype = false

    @Flag(help: "List the equal tensors too.")
    var all = false

    @Flag(help: "One JSON object a line: each tensor with its status, then the counts.")
    var json = false

    func validate() throws {
        for (name, value) in [
            ("--tolerance", tolerance), ("--relative-tolerance", relativeTolerance),
        ] {
            guard value >= 0, value.isFinite else {
                throw ValidationError("\(name) is \(value), expected a number of at least 0")
            }
        }
        if json, all { throw ValidationError("--all has no effect with --json, which lists all") }
    }

    mutating func run() throws {
        (a, b) = try (weightsFile(a), weightsFile(b))
        let (first, outsideA) = try tensors(of: a, prefix: prefixA, option: "--prefix-a")
        let (second, outsideB) = try tensors(of: b, prefix: prefixB, option: "--prefix-b")
        let comparison = CheckpointComparison(
            first, second,
            tolerance: .init(absolute: tolerance, relative: relativeTolerance),
            ignoresType: ignoreDtype)
        var counts = CheckpointDiffCounts(outsideA: outsideA, outsideB: outsideB)
        let text = CheckpointDiffText(listsEqual: all)
        for index in comparison.indices {
            let entry = comparison.entry(at: index)
            counts.add(entry)
            if json {
                try JSONLine.write(entry)
            } else if let line = text.line(entry) {
                print(line)
            }
        }
        if json {
            try JSONLine.write(counts)
        } else {
            print(text.summary(counts))
        }
        if counts.different > 0 { throw ExitCode(ExitStatus.differs.rawValue) }
    }

    /// The tensors below a prefix, and how many are not.
    private func tensors(
        of path: String, prefix: String, option: String
    ) throws -> (found: [(name: String, tensor: TensorRecord)], outside: Int) {
        let all = try CheckpointFile(path: path).tensors()
        let found = all.filter { $0.name.hasPrefix(prefix) }
            .map { (name: String($0.name.dropFirst(prefix.count)), tensor: $0.tensor) }
        guard !found.isEmpty || prefix.isEmpty else {
            throw UsageError(
                unknown: prefix, known: CheckpointPrefixes.of(all.map(\.name)),
                "\(path): no tensor has a name that starts with '\(prefix)' (\(option))")
        }
        return (found, all.count - found.count)
    }
}
