import Foundation

/// The loop that BEiT's block-wise masking and all that descend from it share.
///
/// A block of random area and shape is tried at a random place, up to ten times; it is taken if it
/// hides at least one new patch and not more than are still wanted. Then the next one.
struct BlockFilling {
    /// Attempts for one block before the filling ends.
    static let attempts = 10

    /// The area that is drawn lies between this and what is still wanted, whichever is larger.
    let smallestArea: Double
    /// No block hides more new patches than this.
    let largestCount: Double
    /// Width to height from `minAspect` to `1 / minAspect`, uniform in the logarithm.
    let minAspect: Double

    /// Hides blocks until `wanted` patches, which need not be a whole number, are hidden or no block
    /// was found; returns whether enough are hidden, and never more.
    func fill(_ mask: inout PatchMask, to wanted: Double, random: inout some MaskDraws) -> Bool {
        var count = Double(mask.hiddenCount)
        while count < wanted {
            let hidden = addBlock(to: &mask, atMost: wanted - count, random: &random)
            if hidden == 0 { return false }
            count += Double(hidden)
        }
        return true
    }

    /// Hides one block; returns how many patches are newly hidden, 0 if no attempt succeeded.
    private func addBlock(
        to mask: inout PatchMask, atMost wanted: Double, random: inout some MaskDraws
    ) -> Int {
        let grid = mask.grid
        let budget = min(wanted, largestCount)
        let logAspect = (low: log(minAspect), high: log(1 / minAspect))
        for _ in 0..<Self.attempts {
            // Near the end the budget is below the smallest area: the interval is then reversed,
            // and the block may be too large for the budget.
            let area = random.uniform(from: smallestArea, to: budget)
            let aspect = exp(random.uniform(from: logAspect.low, to: logAspect.high))
            let height = Int((area * aspect).squareRoot().rounded(.toNearestOrEven))
            let width = Int((area / aspect).squareRoot().rounded(.toNearestOrEven))
            guard width < grid.columns, height < grid.rows else { continue }
            let block = PatchBlock(
                top: random.integer(in: 0..<grid.rows - height + 1),
                left: random.integer(in: 0..<grid.columns - width + 1), height: height, width: width
            )
            let new = block.count - mask.hiddenCount(in: block)
            if new > 0, Double(new) <= budget {
                mask.hide(block)
                return new
            }
        }
        return 0
    }
}
