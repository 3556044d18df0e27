public import Configuration

/// A way to mask, with its settings: draws the masks of all pictures of a step.
///
/// What training draws for the same step, so a preview of masks shows those of the run.
public protocol MaskScheme: Configuration, Hashable {
    /// Throws `ConfigurationError` where the settings make no sense on a grid.
    func validate(on grid: MaskGrid) throws

    /// The masks of the pictures of a step, in the order of its keys, over a grid for which
    /// `validate(on:)` does not throw.
    func masks(of step: MaskStep, on grid: MaskGrid) -> [PictureMask]
}

extension MaskSampler {
    public func masks(of step: MaskStep, on grid: MaskGrid) -> [PictureMask] {
        step.masks(self, on: grid).map(PictureMask.init)
    }
}

extension MultiBlockMask: MaskScheme {
    /// Contexts and targets as the batch has them, cut to its shortest lists by `truncation`.
    public func masks(of step: MaskStep, on grid: MaskGrid) -> [PictureMask] {
        step.multiBlock(self, on: grid).pictures(on: grid)
    }
}

extension RandomSplitMask: MaskScheme {
    public func masks(of step: MaskStep, on grid: MaskGrid) -> [PictureMask] {
        step.randomSplit(self, on: grid).pictures(on: grid)
    }
}

extension PermutationMask: MaskScheme {
    /// Patches whose rank is beyond `upperLimit` are neither seen nor targets: they do not count.
    public func masks(of step: MaskStep, on grid: MaskGrid) -> [PictureMask] {
        step.orders(self, on: grid).map { order in
            // Token 0 is the class token.
            let ranks = Array(order.ranks.dropFirst())
            let counts = Array(order.countsInLoss.dropFirst())
            let patches = ranks.indices
            return PictureMask(
                grid, contexts: [patches.filter { ranks[$0] < order.contextCount }],
                targets: [patches.filter { ranks[$0] >= order.contextCount && counts[$0] }],
                ranks: ranks)
        }
    }
}

extension MultiBlockBatch {
    /// The lists of each picture.
    fileprivate func pictures(on grid: MaskGrid) -> [PictureMask] {
        (0..<(contexts.first?.rows.count ?? 0)).map { row in
            PictureMask(
                grid, contexts: contexts.map { $0.rows[row] }, targets: targets.map { $0.rows[row] }
            )
        }
    }
}
