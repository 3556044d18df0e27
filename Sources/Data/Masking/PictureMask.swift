/// What one picture's mask says, whatever sampler drew it: which patches are seen, which predicted.
///
/// Patches are numbered row by row. A patch may be neither seen nor predicted, and with several
/// contexts or targets it may be in more than one of them.
public struct PictureMask: Hashable, Sendable {
    public let grid: MaskGrid
    /// Lists of patches that an encoder sees.
    public let contexts: [[Int]]
    /// Lists of patches that are predicted.
    public let targets: [[Int]]
    /// The place of each patch in the order of prediction, from 1; nil where there is no order.
    public let ranks: [Int]?

    public init(
        _ grid: MaskGrid, contexts: [[Int]], targets: [[Int]], ranks: [Int]? = nil
    ) {
        (self.grid, self.contexts, self.targets, self.ranks) = (grid, contexts, targets, ranks)
    }

    /// A mask whose hidden patches are predicted.
    public init(_ mask: PatchMask) {
        self.init(mask.grid, contexts: [mask.visibleIndices], targets: [mask.hiddenIndices])
    }

    /// Whether each patch is in a context, `rows · columns` of them.
    public var isSeen: [Bool] { marks(contexts) }
    /// Whether each patch is in a target, `rows · columns` of them.
    public var isPredicted: [Bool] { marks(targets) }
    /// How many patches are in no context.
    public var hiddenCount: Int { isSeen.count { !$0 } }
    /// The part of the patches that are in no context, 0 to 1.
    public var hiddenShare: Double { Double(hiddenCount) / Double(grid.count) }

    private func marks(_ lists: [[Int]]) -> [Bool] {
        var marks = [Bool](repeating: false, count: grid.count)
        for index in lists.joined() { marks[index] = true }
        return marks
    }
}
