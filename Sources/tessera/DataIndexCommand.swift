public import ArgumentParser
public import Data
import Foundation
import Glibc

/// Opens a data set and says what it is.
struct DataIndexCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index",
        abstract: "Say what a data set is, and keep its index for the starts to come.",
        discussion: """
            tessera data index pictures
            tessera data index 'shards/set-{000000..000099}.tar'

            The index of a large set is kept in the cache (TESSERA_CACHE); later starts read again \
            only what changed.
            """)

    @Argument(help: "The pictures, as for `tessera pretrain --data`.")
    var path: String

    @Option(help: "train, validation or all.")
    var split = Split.train

    @Option(help: "kept: use the index of an earlier start; rebuilt: make it anew; off: neither.")
    var index = SourceOptions.Index.kept

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Facts: Encodable {
        let pictures: Int
        let classes: [String]
        let parts: Int
        let fingerprint: String
        let first: String
        let notes: [String]
        let seconds: Double
        let peakMegabytes: Int
    }

    func run() throws {
        let progress = SourceProgress(silent: json)
        var options = progress.options
        options.index = index
        let start = ContinuousClock.now
        let source = try openSource(path, split: split, options: options)
        let duration = (ContinuousClock.now - start).components
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let facts = Facts(
            pictures: source.count, classes: source.classNames, parts: source.parts.count,
            fingerprint: source.fingerprint, first: source.name(at: 0), notes: source.notes,
            seconds: Double(duration.seconds) + Double(duration.attoseconds) * 1e-18,
            peakMegabytes: Int(usage.ru_maxrss) / 1024)
        if json {
            try JSONLine.write(facts)
            return
        }
        print("pictures     \(facts.pictures), the first \(facts.first)")
        let classes = facts.classes.prefix(5).joined(separator: ", ")
        let more = facts.classes.count > 5 ? ", …" : ""
        print(
            "classes      "
                + (classes.isEmpty ? "none" : "\(facts.classes.count): \(classes)\(more)"))
        print("shards       " + (facts.parts > 1 ? "\(facts.parts)" : "none"))
        print("fingerprint  \(facts.fingerprint)")
        print(
            String(format: "opened in    %.2f s, %d MB at most", facts.seconds, facts.peakMegabytes)
        )
        for note in facts.notes { print("note         \(note)") }
    }
}

extension Split: ExpressibleByArgument {}
extension SourceOptions.Index: ExpressibleByArgument {}
