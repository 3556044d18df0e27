import Configuration
import Data
import Foundation
import Reports

/// Masks as a page: examples, how often each patch is seen, how much is hidden, the settings.
struct MaskPage {
    let name: NamedMask
    let settings: [ResolvedSetting]
    let preview: MaskPreview
    /// Where the pictures are; nil without any.
    let data: String?

    /// Grids whose heat maps are shown where there are many.
    private static let mostGrids = 4

    private var plan: MaskPreview.Plan { preview.plan }
    private var charts: MaskCharts { MaskCharts(plan.scheme, isOverPictures: data != nil) }
    private var masks: [PictureMask] { preview.examples.map(\.mask) }
    /// The grid of all masks; nil where they differ.
    private var only: MaskStatistics? {
        preview.statistics.count == 1 ? preview.statistics[0] : nil
    }

    /// The page.
    ///
    /// - Returns: all of it.
    /// - Throws: `ImageError` if a picture cannot be encoded, `DataError` if a mask cannot be packed.
    func page() throws -> ReportPage {
        var page = ReportPage(
            title: "Masks: \(name.name)", subtitle: subtitle, colophon: "Tessera \(Version.text)")
        page.cards = cards
        page.add("Examples", lead: examplesLead, [try examples()])
        page.add("Where", lead: whereLead, try heatMaps())
        page.add("How much", [SideBySide(amounts)])
        if let mask = plan.scheme as? MultiBlockMask, let grid = only?.grid {
            page.add(
                "Blocks",
                lead: "Before they are cut and before targets are taken out of contexts; all "
                    + "pictures of a batch share these sizes. Here those of \(plan.draws) batches.",
                [SideBySide(MaskBlocks(mask, grid, plan).charts)])
        }
        if let mask = plan.scheme as? WindowMask, let first = preview.statistics.first {
            let packed = try PackedWindows(
                preview.masks, mask, patchSize: first.grid.patchSize, seed: plan.seed,
                epoch: plan.epoch)
            page.add(
                "Packing",
                lead: "Contexts and targets of many pictures in sequences of one length.",
                [packed.chart])
        }
        page.add("Settings", lead: settingsLead, [settingsTable])
        return page
    }

    private var subtitle: String {
        let grid =
            only.map { statistics in
                "\(statistics.grid) patches of \(statistics.grid.patchSize) pixels"
            } ?? "\(preview.statistics.count) sizes"
        return "\(name.title) · \(grid)"
    }

    // MARK: Cards

    private var cards: [Card] {
        let facts = MaskFacts(preview)
        func range(_ value: MaskFacts.Range, _ factor: Double = 1, _ unit: String = "") -> String {
            let (low, high) = (value.min * factor, value.max * factor)
            func text(_ value: Double) -> String { String(format: "%.0f", value) }
            return text(low) == text(high)
                ? "in every one" : "\(text(low)) to \(text(high))\(unit)"
        }
        var cards = [
            Card("Masks", value: grouped(facts.masks), remark: "counted"),
            Card(
                "Hidden", value: String(format: "%.1f", facts.hiddenShare.mean * 100), unit: "%",
                remark: range(facts.hiddenShare, 100, " %")),
        ]
        if let only {
            let shares = only.seenShares
            cards.append(
                Card(
                    "A patch is seen",
                    value: MaskCharts.percent(shares.reduce(0, +) / Double(shares.count)),
                    remark: "of the time; least \(MaskCharts.percent(shares.min() ?? 0)), most "
                        + MaskCharts.percent(shares.max() ?? 0)))
        }
        cards.append(
            Card(
                "Context", value: String(format: "%.1f", facts.contextLength.mean),
                unit: "patches", remark: range(facts.contextLength)))
        cards.append(
            Card(
                "Target", value: String(format: "%.1f", facts.targetLength.mean), unit: "patches",
                remark: range(facts.targetLength)))
        return cards
    }

    // MARK: Examples

    private var examplesLead: String {
        let start =
            data == nil
            ? "What the pictures 0, 1, 2, … of a data set get"
            : "What the first pictures of a run get"
        let view = plan.view > 0 ? ", view \(plan.view)" : ""
        let batch = plan.scheme is MultiBlockMask ? ", in batches of \(plan.batchSize)" : ""
        return "\(start) in epoch \(plan.epoch) with seed \(plan.seed)\(view)\(batch)."
            + (data == nil ? "" : " Pictures are cut around their middle.")
    }

    private func examples() throws -> PatchMapGrid {
        let maps = preview.examples.map { example in
            var map = charts.map(example.mask, name: example.name)
            map.picture = example.picture
            map.caption = "\(example.name) · \(charts.caption(example.mask))"
            return map
        }
        return try PatchMapGrid(
            maps, keys: charts.keys(masks), legend: charts.orderLegend(masks),
            isLarge: data != nil || masks.contains { $0.ranks != nil })
    }

    // MARK: Places

    private var whereLead: String {
        "How often each patch is seen"
            + (showsPredicted ? ", and how often predicted," : "")
            + " over \(grouped(preview.statistics.reduce(0) { $0 + $1.count })) masks. Chance alone "
            + "gives a share of one half an error of about "
            + String(
                format: "%.1f",
                50 / Double(max(preview.statistics.first?.count ?? 1, 1)).squareRoot())
            + " percentage points."
    }

    /// Whether predicted patches are others than those that are not seen.
    private var showsPredicted: Bool {
        masks.contains { mask in
            zip(mask.isSeen, mask.isPredicted).contains { $0 == $1 }
        }
    }

    private func heatMaps() throws -> [any ReportBlock] {
        var blocks: [any ReportBlock] = []
        if let only, let remarks = MaskAdvice(plan.scheme, only).table { blocks.append(remarks) }
        var maps: [any ReportBlock] = []
        for statistics in preview.statistics.prefix(Self.mostGrids) {
            let size = only == nil ? ", \(statistics.grid) patches, \(statistics.count) masks" : ""
            maps.append(
                try charts.heat(
                    statistics.seenShares, statistics, title: "Seen\(size)", verb: "seen"))
            if showsPredicted {
                maps.append(
                    try charts.heat(
                        statistics.predictedShares, statistics, title: "Predicted\(size)",
                        verb: "predicted"))
            }
        }
        blocks.append(SideBySide(maps))
        return blocks
    }

    // MARK: Amounts

    private var amounts: [any ReportBlock] {
        var blocks: [any ReportBlock] = []
        if let only {
            blocks.append(
                charts.histogram(
                    only.hidden, title: "Hidden patches", xLabel: "patches of \(only.grid.count)",
                    unit: "patches hidden", of: "masks",
                    note: note(only.hidden, "patches hidden", of: only.grid.count)))
        } else {
            var percents = MaskStatistics.Counts()
            for mask in preview.masks { percents.add(Int((mask.hiddenShare * 100).rounded())) }
            blocks.append(
                charts.histogram(
                    percents, title: "Hidden part", xLabel: "% of the patches", unit: "% hidden",
                    of: "masks", note: note(percents, "% hidden", of: nil)))
        }
        let lengths = preview.statistics.map { ($0.contextLengths, $0.targetLengths) }
        for (title, list, counts) in [
            ("Length of a context", "contexts", lengths.map(\.0)),
            ("Length of a target", "targets", lengths.map(\.1)),
        ] where showsPredicted || only == nil {
            var all = MaskStatistics.Counts()
            for (length, times) in counts.flatMap({ $0.times }) { all.add(length, times: times) }
            blocks.append(
                charts.histogram(
                    all, title: title, xLabel: "patches", unit: "patches", of: list,
                    note: note(all, "patches", of: nil)))
        }
        return blocks
    }

    private func note(_ counts: MaskStatistics.Counts, _ unit: String, of whole: Int?) -> String {
        let part =
            whole.map { String(format: " (%.1f %%)", counts.mean / Double($0) * 100) } ?? ""
        return counts.least == counts.greatest
            ? "Always \(counts.least) \(unit)\(part)."
            : String(format: "Mean %.1f %@%@", counts.mean, unit, part)
                + ", from \(counts.least) to \(counts.greatest)."
    }

    // MARK: Settings

    private var settingsLead: String {
        "Give them as key=value. Draws depend on seed, epoch, view and picture alone."
    }

    private var settingsTable: SettingsTable {
        SettingsTable(
            settings.map { setting in
                let source =
                    switch setting.source {
                    case .file(let name, _): "masks of \(name)"
                    case let other: other.description
                    }
                return .init(
                    key: setting.key, value: setting.value, source: source,
                    isChosen: setting.source != .defaults)
            })
    }
}
