import Data
import Foundation
import Reports

/// Masks as drawings: each on its own, how often each patch is seen, how much is hidden.
struct MaskCharts {
    private let scheme: any MaskScheme
    /// Whether single masks lie over pictures.
    private let isOverPictures: Bool

    init(_ scheme: any MaskScheme, isOverPictures: Bool = false) {
        (self.scheme, self.isOverPictures) = (scheme, isOverPictures)
    }

    // MARK: Single masks

    /// A mask with what it says of each patch.
    func map(_ mask: PictureMask, name: String) -> PatchMap {
        let grid = mask.grid
        let seen = seenLook(mask)
        var layers = mask.contexts.map { PatchMap.Layer(seen, $0) }
        if mask.ranks == nil {
            layers += mask.targets.enumerated().map { index, list in
                PatchMap.Layer(hasOneTarget(mask) ? .hidden : .list(index), list)
            }
        }
        var map = PatchMap(
            rows: grid.rows, columns: grid.columns, layers: layers,
            summary: "\(name): \(mask.hiddenCount) of \(grid.count) patches hidden")
        map.window = windowSide(on: grid)
        if let ranks = mask.ranks {
            let targets = Set(mask.targets.joined())
            let ends = (targets.map { ranks[$0] }.min() ?? 0, targets.map { ranks[$0] }.max() ?? 1)
            map.shades = ranks.enumerated().map { patch, rank in
                targets.contains(patch)
                    ? Double(rank - ends.0) / Double(max(ends.1 - ends.0, 1)) : nil
            }
            map.texts = ranks.enumerated().map { targets.contains($0) ? "\($1)" : "" }
        }
        return map
    }

    /// Lengths of the lists, or how much is hidden.
    func caption(_ mask: PictureMask) -> String {
        if mask.ranks != nil || hasOneTarget(mask) {
            return "\(mask.hiddenCount) of \(mask.grid.count) hidden"
        }
        func lengths(_ lists: [[Int]]) -> String {
            let counts = Set(lists.map(\.count))
            return counts.count == 1 && lists.count > 1
                ? "\(lists.count) × \(lists[0].count)"
                : lists.map { "\($0.count)" }.joined(separator: " + ")
        }
        return "sees \(lengths(mask.contexts)) · predicts \(lengths(mask.targets))"
    }

    /// What the colours of masks mean.
    func keys(_ masks: [PictureMask]) -> [PatchMapGrid.Key] {
        guard let first = masks.first else { return [] }
        let several = first.contexts.count > 1
        let seen = PatchMapGrid.Key(
            seenLook(first), several ? "seen, by one context or more" : "seen")
        if first.ranks != nil {
            let isWhole = masks.allSatisfy { $0.targets[0].count == $0.hiddenCount }
            return [seen] + (isWhole ? [] : [.init(nil, "hidden, does not count in the loss")])
        }
        if hasOneTarget(first) { return [seen, .init(.hidden, "hidden, to be predicted")] }
        return [seen]
            + first.targets.indices.map { .init(.list($0), "target \($0 + 1)") }
            + [.init(nil, "neither")]
    }

    /// What the shades of an order of prediction mean; nil without one.
    func orderLegend(_ masks: [PictureMask]) -> ColorLegend? {
        masks.first?.ranks == nil
            ? nil : ColorLegend(low: "first", high: "last", label: "order of prediction")
    }

    /// Apart from the shades of an order, some of which are like the usual colour.
    private func seenLook(_ mask: PictureMask) -> PatchMap.Layer.Look {
        mask.ranks == nil || isOverPictures ? .seen : .list(0)
    }

    /// One target that is all that is hidden.
    private func hasOneTarget(_ mask: PictureMask) -> Bool {
        mask.targets.count == 1 && !(scheme is MultiBlockMask)
    }

    private func windowSide(on grid: MaskGrid) -> Int? {
        switch scheme {
        case let mask as WindowMask: mask.split.windowSize
        case let mask as SimMIMMask: mask.unit / grid.patchSize
        default: nil
        }
    }

    // MARK: Many masks

    /// How often each patch is seen, or predicted, as colours and percentages.
    func heat(_ shares: [Double], _ statistics: MaskStatistics, title: String, verb: String)
        throws -> PatchChart
    {
        let grid = statistics.grid
        let scale = Self.scale(shares, masks: statistics.count)
        var map = PatchMap(
            rows: grid.rows, columns: grid.columns, layers: [],
            summary: "\(title), from \(Self.percent(shares.min() ?? 0)) to "
                + "\(Self.percent(shares.max() ?? 0)) of \(statistics.count) masks")
        map.shades = shares.map {
            ($0 - scale.lowerBound) / (scale.upperBound - scale.lowerBound)
        }
        if grid.columns <= 20 { map.texts = shares.map { String(format: "%.0f", $0 * 100) } }
        map.details = shares.enumerated().map { patch, share in
            "row \(patch / grid.columns + 1), column \(patch % grid.columns + 1): \(verb) in "
                + String(format: "%.1f %% of the masks", share * 100)
        }
        return try PatchChart(
            map, title: title,
            legend: ColorLegend(
                low: Self.percent(scale.lowerBound), high: Self.percent(scale.upperBound),
                label: "of the masks"))
    }

    /// Round ends of a scale for shares of so many masks.
    ///
    /// They are a tenth apart, more where masks are few: chance must not look like a pattern.
    static func scale(_ shares: [Double], masks: Int) -> ClosedRange<Double> {
        let least = min(1, max(0.1, 3 / Double(max(masks, 1)).squareRoot()))
        let (low, high) = (shares.min() ?? 0, shares.max() ?? 1)
        var from = (low * 20).rounded(.down) / 20
        var to = (high * 20).rounded(.up) / 20
        while to - from < least - 1e-9 {
            from = max(0, from - 0.05)
            to = min(1, to + 0.05)
        }
        return from...to
    }

    static func percent(_ share: Double) -> String { String(format: "%.0f %%", share * 100) }

    /// How often each number came up; many numbers share bars.
    func histogram(
        _ counts: MaskStatistics.Counts, title: String, xLabel: String, unit: String, of: String,
        note: String
    ) -> BarChart {
        let mostBars = 24
        let span = counts.greatest - counts.least + 1
        let width = (span + mostBars - 1) / mostBars
        // One number alone gets neighbours, so that it does not look like a wall.
        let first = span == 1 ? counts.least - 2 : counts.least
        let bars = max((span + width - 1) / width, span == 1 ? 5 : 1)
        return BarChart(
            title: title, xLabel: xLabel, yLabel: of,
            bars: (0..<bars).map { index in
                let range = first + index * width..<first + (index + 1) * width
                let times = range.reduce(0) { $0 + (counts.times[$1] ?? 0) }
                let numbers =
                    width == 1
                    ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound - 1)"
                return .init(
                    "\(range.lowerBound)", Double(times),
                    detail: "\(numbers) \(unit): \(times) of \(counts.total) \(of)")
            }, note: note)
    }
}
