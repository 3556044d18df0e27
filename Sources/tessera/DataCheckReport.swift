import Data
import Foundation
import Imaging
import Reports
import Training

/// An audit as a page: findings, copies beside one another, sizes, channels, classes, speed.
struct DataCheckReport {
    private let report: AuditReport
    private let audit: DataAudit

    /// Groups of copies whose pictures are shown, and pictures of each.
    private static let mostGroups = 24
    private static let mostMembers = 4
    /// Pictures shown of a finding.
    private static let mostPictures = 4
    /// The longest side of a picture in the page.
    private static let side = 160
    /// More classes than this are shown by their counts alone.
    private static let mostClasses = 40

    init(_ report: AuditReport, _ audit: DataAudit) { (self.report, self.audit) = (report, audit) }

    /// The page; throws `ImageError` if a picture cannot be encoded.
    var page: ReportPage {
        get throws {
            var page = ReportPage(
                title: report.path, subtitle: "Data check · \(report.countsText)",
                colophon: "Tessera \(Version.text), \(grouped(report.checked)) pictures in "
                    + "\(readableDuration(report.speed.seconds))")
            page.cards = cards
            page.add("Findings", lead: lead, [findings])
            let copies = try copyGrid()
            if !copies.isEmpty {
                page.add(
                    "Copies",
                    lead: "Groups of pictures that are the same to the byte or to the eye; those "
                        + "across training and validation first, then those across classes."
                        + (report.unchecked > 0
                            ? " \(grouped(report.unchecked)) more pairs may be alike; they were not "
                                + "compared." : ""),
                    copies)
            }
            for (title, lead, block) in try galleries() { page.add(title, lead: lead, [block]) }
            page.add("Sizes", [SideBySide(sizes)])
            if let channels = channelBlocks { page.add("Channels", lead: channelLead, channels) }
            if !report.classes.isEmpty { page.add("Classes", [classes]) }
            page.add("Speed", lead: speedLead, [speed])
            return page
        }
    }

    private var cards: [Card] {
        let copies = [.exactCopy, .nearCopy].reduce(0) { $0 + (report.finding($1)?.count ?? 0) }
        let checked = max(report.checked, 1)
        var cards = [
            Card(
                "Pictures", value: grouped(report.pictures),
                remark: report.checked < report.pictures
                    ? "\(grouped(report.checked)) of them checked" : "all of them checked"),
            Card(
                "Cannot be read", value: grouped(report.bad),
                remark: report.bad > 0
                    ? String(format: "%.3g %%", Double(report.bad) / Double(checked) * 100)
                    : "none",
                tone: report.bad > 0 ? .worse : .better),
            Card(
                "Copies", value: grouped(copies),
                remark: report.finding(.acrossParts).map { "\(grouped($0.count)) across parts" }
                    ?? "", tone: report.finding(.acrossParts) == nil ? .neutral : .worse),
        ]
        if let width = report.width, let height = report.height {
            cards.append(
                Card(
                    "Median size", value: "\(Int(width.median))×\(Int(height.median))", unit: "px",
                    remark: "\(readableBytes(report.storedBytes)) in all"))
        }
        if report.readable > 0 {
            cards.append(
                Card(
                    "Speed", value: grouped(Int(report.speed.picturesPerThreadSecond.rounded())),
                    unit: "pictures/s",
                    remark: "one thread, reading and decoding alone"))
        }
        return cards
    }

    // MARK: Findings

    private var lead: String {
        let harm = report.findings.filter { $0.severity != .note }.count
        return harm == 0
            ? "Nothing was found that would harm training."
            : "A picture marked bad cannot be read: in training another takes its place. Warnings "
                + "can be read, and may harm. Notes are good to know."
    }

    private var findings: FindingTable {
        let rows = report.findings.map { finding in
            let shown = finding.examples.count
            let title =
                finding.count > shown && finding.kind.countsExamples
                ? "The first \(shown)" : shown == 1 ? "Which" : "Which ones"
            return FindingTable.Row(
                FindingTable.Row.Mark(rawValue: finding.severity.rawValue) ?? .note,
                title: finding.title, count: grouped(finding.count), advice: finding.advice,
                examples: finding.examples.map { ($0.name, $0.detail) }, examplesTitle: title)
        }
        guard rows.isEmpty else { return FindingTable(rows) }
        return FindingTable([
            .init(
                .good, title: "No findings", count: grouped(report.readable),
                advice: "All pictures that were looked at can be read, and none is a copy.")
        ])
    }

    private func copyGrid() throws -> [any ReportBlock] {
        let samples = try report.copies.prefix(Self.mostGroups).map { group in
            var remarks = [group.likeness == .exact ? "same bytes" : "look alike"]
            if group.crossesParts { remarks.append("across parts") }
            if group.crossesClasses { remarks.append("different classes") }
            if group.count > Self.mostMembers { remarks.append("\(grouped(group.count)) in all") }
            return ImageGrid.Sample(
                caption: remarks.joined(separator: " · "),
                pictures: try group.members.prefix(Self.mostMembers).compactMap { member in
                    let place = group.crossesParts ? member.part : nil
                    let label = group.crossesClasses ? member.label : nil
                    return try thumbnail(
                        member.item,
                        caption: [place, label].compactMap { $0 }.joined(separator: " · "))
                })
        }
        let filled = samples.filter { !$0.pictures.isEmpty }
        return filled.isEmpty ? [] : [ImageGrid(columns: [], samples: filled)]
    }

    /// Pictures of findings that are understood by looking.
    private func galleries() throws -> [(String, String, ImageGrid)] {
        let kinds: [FindingKind] = [
            .truncatedKept, .oddData, .rotated, .singleColor, .tiny, .extremeAspect, .cmyk, .alpha,
        ]
        let samples = try kinds.compactMap { kind -> ImageGrid.Sample? in
            guard let finding = report.finding(kind) else { return nil }
            let pictures = try finding.examples.prefix(Self.mostPictures).compactMap { example in
                try example.item.flatMap { try thumbnail($0, caption: example.detail) }
            }
            guard !pictures.isEmpty else { return nil }
            return ImageGrid.Sample(caption: finding.title, pictures: pictures)
        }
        guard !samples.isEmpty else { return [] }
        return [
            (
                "To look at", "The first pictures of some findings.",
                ImageGrid(columns: [], samples: samples)
            )
        ]
    }

    /// The picture, small; nil if it has gone since.
    private func thumbnail(_ item: AuditItem, caption: String) throws -> Picture? {
        guard let image = try? audit.picture(item) else { return nil }
        return try Picture(
            image.displayed.shrunk(to: Self.side),
            alternative: audit.parts[item.part].source.name(at: item.index), caption: caption)
    }

    // MARK: Measurements

    private var sizes: [any ReportBlock] {
        func chart(
            _ title: String, _ x: String, _ spread: Distribution?, _ label: (Double) -> String
        )
            -> BarChart?
        {
            spread.map { spread in
                BarChart(
                    title: title, xLabel: x, yLabel: "pictures",
                    bars: spread.bins.map { bin in
                        .init(
                            label(bin.from), Double(bin.count),
                            detail: "from \(label(bin.from)), below \(label(bin.to)): "
                                + grouped(bin.count))
                    },
                    note: "Median \(label(spread.median)), from \(label(spread.least)) to "
                        + "\(label(spread.greatest)); 90 % lie between \(label(spread.low)) and "
                        + "\(label(spread.high)).")
            }
        }
        let blocks: [(any ReportBlock)?] = [
            chart("Shorter side", "pixels", report.shortSide) { "\(Int($0))" },
            chart("Width over height", "ratio", report.aspect) { String(format: "%.3g", $0) },
            BarList(
                title: "Formats",
                rows: report.sortedFormats.map {
                    .init($0.name, Double($0.count), text: grouped($0.count))
                }, note: "\(readableBytes(report.storedBytes)) in all."),
        ]
        return blocks.compactMap { $0 }
    }

    private var channelLead: String {
        "Mean and standard deviation of all pixels, every picture counting the same. Published "
            + "encoders keep the numbers of ImageNet; for pictures of another kind take these:"
    }

    private var channelBlocks: [any ReportBlock]? {
        guard let channels = report.channels, let settings = report.normalizationSettings else {
            return nil
        }
        let names = channels.mean.count == 1 ? ["grey"] : ["red", "green", "blue"]
        let facts = zip(names, zip(channels.mean, channels.std)).map { name, values in
            (name, String(format: "mean %.4f, standard deviation %.4f", values.0, values.1))
        }
        return [FactList(facts), CommandText(settings)]
    }

    private var classes: any ReportBlock {
        let totals = report.classes.map { ($0.name, $0.pictures.reduce(0, +)) }
        guard totals.count > Self.mostClasses else {
            return BarList(
                title: "Pictures of each class",
                rows: totals.map { .init($0.0, Double($0.1), text: grouped($0.1)) })
        }
        let sorted = totals.sorted { $0.1 > $1.1 }
        let points = sorted.enumerated().map { Series.Point(Double($0 + 1), Double($1.1)) }
        return LineChart(
            title: "Pictures of each class", xLabel: "class, the largest first",
            series: [Series(name: "pictures", points: points)],
            note: "From \(grouped(sorted.last?.1 ?? 0)) of \(sorted.last?.0 ?? "") to "
                + "\(grouped(sorted.first?.1 ?? 0)) of \(sorted.first?.0 ?? "").")
    }

    private var speedLead: String {
        "Reading and decoding alone, on this machine: a run that wants more pictures a second than "
            + "its threads can give waits for them. tessera data pack makes smaller copies once."
    }

    private var speed: FactList {
        let speed = report.speed
        let readable = Int(speed.picturesPerThreadSecond.rounded())
        let all = Int(speed.picturesPerSecond(threads: speed.threads).rounded())
        return FactList([
            ("one thread", "\(grouped(readable)) pictures/s"),
            ("\(speed.threads) threads, about", "\(grouped(all)) pictures/s"),
            ("an epoch with them", report.epochText),
            (
                "decoding",
                String(format: "%.0f megapixels/s a thread", speed.megapixelsPerThreadSecond)
            ),
            ("waiting for the disk", String(format: "%.0f %% of the time", speed.readShare * 100)),
            ("read during the check", String(format: "%.0f MB/s", speed.megabytesPerSecond)),
        ])
    }
}
