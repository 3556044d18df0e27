import Data
import Foundation
import Reports

/// What is worth knowing about masks, by counting them.
struct MaskAdvice {
    struct Remark {
        let title: String
        let number: String
        let text: String
        var isWarning = false
    }

    private let scheme: any MaskScheme
    private let statistics: MaskStatistics
    /// Fewer masks than this say little about single patches.
    private static let leastMasks = 100

    init(_ scheme: any MaskScheme, _ statistics: MaskStatistics) {
        (self.scheme, self.statistics) = (scheme, statistics)
    }

    var remarks: [Remark] {
        guard statistics.count >= Self.leastMasks else { return [] }
        return [nothingHidden, border, lowerRows, neverPredicted, neverSeen, short].compactMap {
            $0
        }
    }

    private static func percent(_ share: Double) -> String { MaskCharts.percent(share) }

    private var nothingHidden: Remark? {
        let whole = Double(statistics.hidden.times[0] ?? 0) / Double(statistics.count)
        guard whole > 0 else { return nil }
        return Remark(
            title: "Masks that hide nothing", number: Self.percent(whole),
            text: scheme is IBOTMask
                ? "iBOT takes one of its ratios for each view, and one of them is 0. In the loss of "
                    + "patches such a view counts as 0; it serves the loss of the class token."
                : "Their pictures add nothing to a loss over hidden patches.")
    }

    private var border: Remark? {
        guard let hidden = statistics.border(statistics.seenShares.map { 1 - $0 }) else {
            return nil
        }
        let difference = hidden.ring - hidden.inside
        guard abs(difference) > 0.1 * max(hidden.ring, hidden.inside) else { return nil }
        return Remark(
            title: difference < 0
                ? "Patches at the border are hidden less often"
                : "Patches at the border are hidden more often",
            number: Self.percent(hidden.ring),
            text: "Those inside are hidden in \(Self.percent(hidden.inside)) of the masks. "
                + (difference < 0
                    ? "A rectangle that lies within the picture covers its middle more often than "
                        + "its edge." : "Fewer rectangles reach the edge than the middle."))
    }

    /// Contexts that are cut to the first patches of their lists.
    private var lowerRows: Remark? {
        guard let mask = scheme as? MultiBlockMask, mask.truncation == .first else { return nil }
        let rows = statistics.rows(statistics.seenShares)
        let half = rows.count / 2
        let upper = rows.prefix(half).reduce(0, +) / Double(max(half, 1))
        let lower = rows.suffix(half).reduce(0, +) / Double(max(half, 1))
        guard lower < 0.8 * upper else { return nil }
        return Remark(
            title: "Contexts lose their lower rows", number: Self.percent(lower),
            text:
                "Patches of the lower half are seen in \(Self.percent(lower)) of the masks, those "
                + "of the upper half in \(Self.percent(upper)): every list of a batch is cut to "
                + "its first patches. The published models were trained so; truncation=random or "
                + "truncation=none avoids it, and a smaller batch makes it less.", isWarning: true)
    }

    private var neverPredicted: Remark? {
        let never = patches { statistics.predicted[$0] == 0 }
        guard !never.isEmpty, never.count < statistics.grid.count else { return nil }
        let grid = statistics.grid
        let edge = patches {
            $0 / grid.columns == grid.rows - 1 || $0 % grid.columns == grid.columns - 1
        }
        let isUnused = never == patches { statistics.seen[$0] == 0 }
        return Remark(
            title: "Patches that are never \(isUnused ? "seen nor " : "")predicted",
            number: "\(never.count)",
            text: never == edge
                ? "The last row and the last column: the reference draws corners one short, so that "
                    + "no block covers them. It is kept, as published models were trained so."
                : "Of \(statistics.count) masks none asks for their content.")
    }

    private var neverSeen: Remark? {
        let never = patches { statistics.seen[$0] == 0 }
        guard !never.isEmpty, never != patches(where: { statistics.predicted[$0] == 0 }) else {
            return nil
        }
        return Remark(
            title: "Patches that are never seen", number: "\(never.count)",
            text: "Of \(statistics.count) masks none shows them; larger contexts would.")
    }

    private func patches(where holds: (Int) -> Bool) -> [Int] {
        (0..<statistics.grid.count).filter(holds)
    }

    /// Blocks that end below what was asked for.
    private var short: Remark? {
        guard let mask = scheme as? BEiTMask, statistics.hidden.mean < Double(mask.count) - 0.05
        else { return nil }
        return Remark(
            title: "Fewer patches than asked for",
            number: String(format: "%.1f", statistics.hidden.mean),
            text: "Of \(mask.count): a mask ends when ten blocks in a row do not fit. "
                + "completion=patches (BEiT v2) or completion=blocks (CAE) reaches all.")
    }

    /// The remarks as a part of a page; nil if there are none.
    var table: FindingTable? {
        let rows = remarks.map { remark in
            FindingTable.Row(
                remark.isWarning ? .warning : .note, title: remark.title, count: remark.number,
                advice: remark.text)
        }
        return rows.isEmpty ? nil : FindingTable(rows)
    }
}
