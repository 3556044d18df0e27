import Imaging

/// Counts of one thread, to be added to those of the others.
struct AuditTally: Sendable {
    /// How often something was found, and the first pictures that show it.
    struct Tally: Sendable {
        var count = 0
        var examples: [(item: AuditItem, detail: String)] = []
    }

    private let mostExamples: Int
    private(set) var found: [FindingKind: Tally] = [:]
    private(set) var formats: [String: Int] = [:]
    private(set) var records: [PictureRecord] = []
    /// Pictures that cannot be read.
    private(set) var bad: [AuditItem] = []
    var channels = ChannelSums()
    var storedBytes = 0
    var decodedPixels = 0
    var readSeconds = 0.0
    var decodeSeconds = 0.0

    init(mostExamples: Int) { self.mostExamples = mostExamples }

    /// A thread meets pictures in rising order, so its first ones are the lowest.
    mutating func note(_ kind: FindingKind, _ item: AuditItem, _ detail: @autoclosure () -> String)
    {
        found[kind, default: Tally()].count += 1
        if found[kind]?.examples.count ?? 0 < mostExamples {
            found[kind]?.examples.append((item, detail()))
        }
        if kind.severity == .bad { bad.append(item) }
    }

    mutating func count(_ format: String) { formats[format, default: 0] += 1 }

    mutating func keep(_ record: PictureRecord) { records.append(record) }

    /// Adds the counts of another thread; `finish` comes after the last.
    mutating func add(_ other: AuditTally) {
        for (kind, tally) in other.found {
            found[kind, default: Tally()].count += tally.count
            found[kind]?.examples += tally.examples
        }
        formats.merge(other.formats) { $0 + $1 }
        records += other.records
        bad += other.bad
        channels += other.channels
        storedBytes += other.storedBytes
        decodedPixels += other.decodedPixels
        readSeconds += other.readSeconds
        decodeSeconds += other.decodeSeconds
    }

    /// Puts everything into the order of the data set, whichever thread found it.
    mutating func finish() {
        found = found.mapValues { tally in
            let sorted = tally.examples.sorted { $0.item < $1.item }
            return Tally(count: tally.count, examples: Array(sorted.prefix(mostExamples)))
        }
        records.sort { $0.item < $1.item }
        bad.sort()
    }
}
