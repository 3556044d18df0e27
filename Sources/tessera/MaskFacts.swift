import Data

/// What was counted, for `--json` and the head of the page.
struct MaskFacts: Encodable {
    struct Range: Encodable {
        let mean: Double
        let min: Double
        let max: Double
    }
    struct OfGrid: Encodable {
        /// Rows and columns.
        let grid: [Int]
        let masks: Int
        let hiddenShare: Range
        /// Over the patches: the part of the masks that show one, and that have it predicted.
        let seenShare: Range
        let predictedShare: Range
    }

    let masks: Int
    /// Over the masks: the part of the patches that no context holds.
    let hiddenShare: Range
    /// Over the patches of all grids.
    let seenShare: Range
    let predictedShare: Range
    /// Patches of a list.
    let contextLength: Range
    let targetLength: Range
    let grids: [OfGrid]

    init(_ preview: MaskPreview) {
        let all = preview.statistics
        masks = all.reduce(0) { $0 + $1.count }
        grids = all.map { one in
            OfGrid(
                grid: [one.grid.rows, one.grid.columns], masks: one.count,
                hiddenShare: Range([one].hiddenShares),
                seenShare: Range(one.seenShares.map { ($0, 1) }),
                predictedShare: Range(one.predictedShares.map { ($0, 1) }))
        }
        hiddenShare = Range(all.hiddenShares)
        seenShare = Range(all.flatMap(\.seenShares).map { ($0, 1) })
        predictedShare = Range(all.flatMap(\.predictedShares).map { ($0, 1) })
        contextLength = Range(all.flatMap { $0.contextLengths.times.map { (Double($0), $1) } })
        targetLength = Range(all.flatMap { $0.targetLengths.times.map { (Double($0), $1) } })
    }
}

extension MaskFacts.Range {
    /// Of values, each of which came up so many times.
    fileprivate init(_ values: [(value: Double, times: Int)]) {
        let count = values.reduce(0) { $0 + $1.times }
        let sum = values.reduce(0) { $0 + $1.value * Double($1.times) }
        self.init(
            mean: count > 0 ? sum / Double(count) : 0, min: values.map(\.value).min() ?? 0,
            max: values.map(\.value).max() ?? 0)
    }
}

extension [MaskStatistics] {
    /// The part of the patches that a mask hides, and how often.
    fileprivate var hiddenShares: [(Double, Int)] {
        flatMap { one in
            one.hidden.times.map { (Double($0) / Double(one.grid.count), $1) }
        }
    }
}
