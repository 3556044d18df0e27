public import Imaging

/// A pass over all pictures of a data set that finds what harms training or costs time.
///
/// Nothing stops it: what cannot be read is counted. It keeps 48 bytes a readable picture, counts,
/// and the first examples of each finding. Whatever the number of threads, it finds the same.
///
/// ```swift
/// let parts = try AuditPart.all(of: "pictures")
/// let result = try DataAudit(path: "pictures", parts: parts).run()
/// for finding in result.report.findings { print(finding.title, finding.count) }
/// ```
public struct DataAudit: Sendable {
    public let path: String
    public let parts: [AuditPart]
    public let options: AuditOptions
    /// The parts as they are read: nobody waits for ever.
    private let readable: [AuditPart]

    /// What an audit leaves.
    public struct Result: Sendable {
        public let report: AuditReport
        /// All pictures that cannot be read, in the order of the data set.
        public let bad: [AuditItem]
    }

    public init(path: String, parts: [AuditPart], options: AuditOptions = AuditOptions()) {
        (self.path, self.parts, self.options) = (path, parts, options)
        readable = parts.map { part in
            AuditPart(part.name, TimedSource(part.source, timeout: options.readTimeout))
        }
    }

    /// A picture of the data, also one that ends early.
    ///
    /// - Throws: `ImageError` or `DataError` if it cannot be read any more.
    public func picture(_ item: AuditItem) throws -> ImageBuffer {
        var decoder = options.decoder
        decoder.acceptsTruncated = true
        return try readable[item.part].source.read(at: item.index, decoder: decoder)
    }

    /// Looks at the pictures.
    ///
    /// - Parameter progress: called now and then with how many pictures are done, of how many.
    /// - Returns: the report, and which pictures are bad.
    /// - Throws: `DataError` if a thread cannot be started; never for a bad picture.
    public func run(progress: (Int, Int) -> Void = { _, _ in }) throws -> Result {
        let start = ContinuousClock.now
        let chosen = parts.indices.map { part in
            AuditSample(count: parts[part].source.count, limit: options.sample)
        }
        let total = chosen.reduce(0) { $0 + $1.size }
        let tallies = try Chunks.onThreads(
            options.threads, count: total, length: 16, progress: { progress($0, total) }
        ) { [readable, options] chunks in
            var worker = AuditWorker(readable, options)
            var range: Range<Int>?
            while let next = chunks.next(after: range) {
                for number in next { worker.examine(Self.item(number, of: chosen)) }
                range = next
            }
            return worker.tally
        }
        let seconds = (ContinuousClock.now - start).seconds
        var tally = AuditTally(mostExamples: options.examples)
        for other in tallies { tally.add(other) }
        tally.finish()
        let copies = try CopySearch(parts: readable, records: tally.records, options: options).run()
        let classes = ClassCensus(parts)
        let findings =
            pictureFindings(tally) + copyFindings(copies) + sourceFindings
            + classes.findings(options) + StrayEntries(parts, options).findings
        return Result(
            report: report(
                tally, copies, classes, checked: chosen.map(\.size), findings: findings,
                seconds: seconds), bad: tally.bad)
    }

    /// The picture of a number that counts through the samples of all parts.
    private static func item(_ number: Int, of samples: [AuditSample]) -> AuditItem {
        var rest = number
        for (part, sample) in samples.enumerated() {
            if rest < sample.size { return AuditItem(part: part, index: sample[rest]) }
            rest -= sample.size
        }
        fatalError("DataAudit: picture \(number) of \(number - rest)")
    }

    private func pictureFindings(_ tally: AuditTally) -> [Finding] {
        FindingKind.allCases.compactMap { kind in
            guard let found = tally.found[kind] else { return nil }
            // Where all pictures are grey, or small, that is no news.
            let isNews = found.count < tally.records.count || ![.grey, .tiny].contains(kind)
            guard isNews else { return nil }
            let examples = found.examples.map { example in
                Finding.Example(
                    parts[example.item.part].source.name(at: example.item.index), example.detail,
                    item: example.item)
            }
            return Finding(kind, count: found.count, examples: examples)
        }
    }

    private func copyFindings(_ copies: CopySearch.Result) -> [Finding] {
        func examples(_ groups: [CopyGroup], _ kind: FindingKind) -> [Finding.Example] {
            groups.prefix(options.examples).map { group in
                let isSaid = kind == .exactCopy || kind == .nearCopy
                let detail = group.likeness == .exact ? "the same bytes" : "look alike"
                return Finding.Example(group.text, isSaid ? "" : detail)
            }
        }
        let found: [(FindingKind, Int, [CopyGroup])] = [
            (.acrossParts, copies.countAcrossParts, copies.groupsAcrossParts),
            (.acrossClasses, copies.countAcrossClasses, copies.groupsAcrossClasses),
            (.exactCopy, copies.exactCopies, copies.groups.filter { $0.likeness == .exact }),
            (.nearCopy, copies.nearCopies, copies.groups.filter { $0.likeness == .near }),
        ]
        return found.filter { $0.1 > 0 }.map {
            Finding($0.0, count: $0.1, examples: examples($0.2, $0.0))
        }
    }

    /// What the sources said when they were opened, of a shard that is cut in half for instance.
    private var sourceFindings: [Finding] {
        let notes = parts.flatMap(\.source.notes)
        guard !notes.isEmpty else { return [] }
        return [
            Finding(
                .incomplete, count: notes.count,
                examples: notes.prefix(options.examples).map { Finding.Example($0) })
        ]
    }

    private func report(
        _ tally: AuditTally, _ copies: CopySearch.Result, _ classes: ClassCensus,
        checked: [Int], findings: [Finding], seconds: Double
    ) -> AuditReport {
        let records = tally.records
        let sides = Distribution.sideEdges
        let busy = tally.readSeconds + tally.decodeSeconds
        let order = FindingKind.allCases
        func place(_ finding: Finding) -> Int { order.firstIndex(of: finding.kind) ?? 0 }
        return AuditReport(
            path: path,
            parts: zip(parts, checked).map { part, checked in
                .init(name: part.name, pictures: part.source.count, checked: checked)
            },
            classes: classes.counts, formats: tally.formats, readable: records.count,
            bad: tally.bad.count, storedBytes: tally.storedBytes,
            width: Distribution(records.map { Double($0.width) }, edges: sides),
            height: Distribution(records.map { Double($0.height) }, edges: sides),
            shortSide: Distribution(
                records.map { Double(min($0.width, $0.height)) }, edges: sides),
            aspect: Distribution(
                records.map { Double($0.width) / Double($0.height) },
                edges: Distribution.aspectEdges),
            channels: tally.channels.statistics,
            findings: findings.sorted { place($0) < place($1) }, copies: copies.groups,
            unchecked: copies.unchecked,
            speed: .init(
                threads: options.threads, seconds: seconds,
                picturesPerThreadSecond: busy > 0 ? Double(records.count) / busy : 0,
                readShare: busy > 0 ? tally.readSeconds / busy : 0,
                megabytesPerSecond: seconds > 0 ? Double(tally.storedBytes) / 1e6 / seconds : 0,
                megapixelsPerThreadSecond: tally.decodeSeconds > 0
                    ? Double(tally.decodedPixels) / 1e6 / tally.decodeSeconds : 0))
    }
}
