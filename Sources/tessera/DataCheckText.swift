import Data
import Foundation
import Training

/// An audit as text for a terminal.
struct DataCheckText {
    private let report: AuditReport
    /// Examples under each finding.
    private static let mostExamples = 3

    init(_ report: AuditReport) { self.report = report }

    var text: String {
        var lines = facts.map { name, value in
            name + String(repeating: " ", count: max(1, 10 - name.count)) + value
        }
        for finding in report.findings {
            let severity = finding.severity.rawValue
            lines.append("")
            lines.append(
                severity + String(repeating: " ", count: max(1, 10 - severity.count))
                    + "\(finding.title): \(grouped(finding.count)). \(finding.advice)")
            for example in finding.examples.prefix(Self.mostExamples) {
                let detail = example.detail.isEmpty ? "" : "  (\(example.detail))"
                lines.append("          \(example.name)\(detail)")
            }
            let shown = min(Self.mostExamples, finding.examples.count)
            if finding.count > shown, shown > 0, finding.kind.countsExamples {
                lines.append("          … \(grouped(finding.count - shown)) more")
            }
        }
        if report.findings.isEmpty { lines += ["", "Nothing was found that would harm training."] }
        return lines.joined(separator: "\n") + "\n"
    }

    private var facts: [(String, String)] {
        var facts = [("pictures", report.partsText)]
        if report.checked < report.pictures {
            facts.append(("checked", "a sample of \(grouped(report.checked))"))
        }
        facts.append(("readable", "\(grouped(report.readable)), bad: \(grouped(report.bad))"))
        if !report.formats.isEmpty { facts.append(("formats", report.formatsText)) }
        if let side = report.shortSide, let width = report.width, let height = report.height {
            facts.append(
                (
                    "size",
                    "median \(Int(width.median))×\(Int(height.median)), shorter side "
                        + "\(Int(side.least)) to \(Int(side.greatest))"
                ))
        }
        if let settings = report.normalizationSettings { facts.append(("channels", settings)) }
        if report.readable > 0 { facts.append(("speed", report.speedText)) }
        return facts
    }
}

extension FindingKind {
    /// Whether each example stands for one of what is counted; copies stand in groups.
    var countsExamples: Bool {
        switch self {
        case .exactCopy, .nearCopy, .otherFile: false
        default: true
        }
    }
}

extension AuditReport {
    /// `1,281,167 train, 50,000 validation, 1,000 classes`.
    var partsText: String {
        let counts = parts.map { part in
            parts.count == 1
                ? grouped(part.pictures) : "\(grouped(part.pictures)) \(part.name)"
        }
        let classes = classes.isEmpty ? [] : ["\(grouped(self.classes.count)) classes"]
        return (counts + classes).joined(separator: ", ")
    }

    /// The same as a phrase of its own: `1,203 pictures, 2 classes`.
    var countsText: String {
        guard parts.count == 1 else { return partsText }
        let classes = classes.isEmpty ? "" : ", \(grouped(self.classes.count)) classes"
        return "\(grouped(pictures)) pictures\(classes)"
    }

    /// `jpeg 1,203, png 14`, the most frequent first.
    var formatsText: String {
        sortedFormats.map { "\($0.name) \(grouped($0.count))" }.joined(separator: ", ")
    }

    var sortedFormats: [(name: String, count: Int)] {
        formats.map { (name: $0.key, count: $0.value) }
            .sorted { ($1.count, $0.name) < ($0.count, $1.name) }
    }

    /// How long an epoch of reading and decoding alone takes with the threads of the audit.
    var epochSeconds: Double {
        Double(parts.first?.pictures ?? 0) / speed.picturesPerSecond(threads: speed.threads)
    }

    /// `13 min 26 s`, `0.4 s`.
    var epochText: String {
        epochSeconds < 10
            ? String(format: "%.1f s", epochSeconds) : readableDuration(epochSeconds)
    }

    var speedText: String {
        let perThread = Int(speed.picturesPerThreadSecond.rounded())
        let all = Int(speed.picturesPerSecond(threads: speed.threads).rounded())
        return "\(grouped(perThread)) pictures/s a thread, about \(grouped(all)) with "
            + "\(speed.threads); an epoch of decoding alone takes \(epochText)"
    }
}
