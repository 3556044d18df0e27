/// How often each patch is seen and predicted, and how much is hidden, over many masks of one grid.
///
/// ```swift
/// var statistics = MaskStatistics(grid)
/// for mask in sampler.masks(of: step, on: grid) { statistics.add(mask) }
/// print(statistics.hidden.mean, statistics.seenShares.min() ?? 0)
/// ```
public struct MaskStatistics: Sendable {
    /// How often whole numbers came up.
    public struct Counts: Sendable, Equatable {
        /// For each number how often.
        public private(set) var times: [Int: Int] = [:]

        public init() {}

        public mutating func add(_ value: Int, times count: Int = 1) {
            times[value, default: 0] += count
        }

        public var total: Int { times.values.reduce(0, +) }
        public var least: Int { times.keys.min() ?? 0 }
        public var greatest: Int { times.keys.max() ?? 0 }
        /// 0 where nothing was counted.
        public var mean: Double {
            let sum = times.reduce(0.0) { $0 + Double($1.key) * Double($1.value) }
            return total > 0 ? sum / Double(total) : 0
        }
    }

    public let grid: MaskGrid
    /// Masks so far.
    public private(set) var count = 0
    /// How many masks show each patch to a context.
    public private(set) var seen: [Int]
    /// How many masks have each patch predicted.
    public private(set) var predicted: [Int]
    /// Patches that a mask shows to no context.
    public private(set) var hidden = Counts()
    /// Patches of a context, and of a target, each list on its own.
    public private(set) var contextLengths = Counts()
    public private(set) var targetLengths = Counts()

    public init(_ grid: MaskGrid) {
        self.grid = grid
        seen = [Int](repeating: 0, count: grid.count)
        predicted = seen
    }

    /// Counts a mask, which must be of the same grid.
    public mutating func add(_ mask: PictureMask) {
        require(mask.grid == grid, "MaskStatistics: a mask of \(mask.grid) patches on \(grid)")
        count += 1
        var hiddenCount = grid.count
        for (patch, isSeen) in mask.isSeen.enumerated() where isSeen {
            seen[patch] += 1
            hiddenCount -= 1
        }
        for (patch, isPredicted) in mask.isPredicted.enumerated() where isPredicted {
            predicted[patch] += 1
        }
        hidden.add(hiddenCount)
        for list in mask.contexts { contextLengths.add(list.count) }
        for list in mask.targets { targetLengths.add(list.count) }
    }

    /// The part of the masks that show each patch, 0 to 1.
    public var seenShares: [Double] { seen.map(share) }
    /// The part of the masks that have each patch predicted, 0 to 1.
    public var predictedShares: [Double] { predicted.map(share) }
    /// The mean part of the patches that a mask hides.
    public var hiddenShare: Double { hidden.mean / Double(grid.count) }

    private func share(_ times: Int) -> Double { count > 0 ? Double(times) / Double(count) : 0 }

    // MARK: Places

    /// The mean of a share over the outermost ring of patches, and over all others; nil for a grid
    /// that is all ring.
    public func border(_ shares: [Double]) -> (ring: Double, inside: Double)? {
        let isRing = (0..<grid.count).map { patch in
            let (row, column) = (patch / grid.columns, patch % grid.columns)
            return row == 0 || column == 0 || row == grid.rows - 1 || column == grid.columns - 1
        }
        let ring = zip(shares, isRing).filter(\.1).map(\.0)
        let inside = zip(shares, isRing).filter { !$0.1 }.map(\.0)
        guard !inside.isEmpty else { return nil }
        return (
            ring.reduce(0, +) / Double(ring.count), inside.reduce(0, +) / Double(inside.count)
        )
    }

    /// The mean of a share over each row of patches.
    public func rows(_ shares: [Double]) -> [Double] {
        (0..<grid.rows).map { row in
            let line = shares[row * grid.columns..<(row + 1) * grid.columns]
            return line.reduce(0, +) / Double(grid.columns)
        }
    }
}
