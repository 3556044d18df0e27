public import Configuration

/// I-JEPA's random masks: the reference's other collator, of the ablation "random" in Assran et al.,
/// *Self-Supervised Learning from Images with a Joint-Embedding Predictive Architecture* (2023).
///
/// 1. one ratio for the whole batch
/// 2. for each picture the patches in random order: the first ⌊N (1 − r)⌋ are the context, the rest
///    the one target
///
/// Note: the lists stay in the order in which they were drawn, as in the reference.
public struct RandomSplitMask: Configuration, Hashable {
    /// The part of the patches that is target, from and to.
    public var ratio = [0.4, 0.6]

    public init() {}

    public static var documentation: [String: String] {
        ["ratio": "the part of the patches that is predicted, from and to; drawn once a batch"]
    }

    public func validate() throws {
        guard ratio.count == 2, ratio[0] > 0, ratio[0] <= ratio[1], ratio[1] < 1 else {
            throw ConfigurationError.invalid(
                "ratio", found: "\(ratio)", expected: "two ascending numbers between 0 and 1")
        }
    }

    /// Throws `ConfigurationError` where nothing may be left of the context.
    public func validate(on grid: MaskGrid) throws {
        try validate()
        guard contextCount(of: grid.count, ratio: ratio[1]) > 0 else {
            throw ConfigurationError.invalid(
                "ratio", found: "\(ratio)",
                expected: "a part that leaves one of the \(grid.count) patches")
        }
    }

    /// Draws the length of the contexts of a batch.
    public func contextCount(on grid: MaskGrid, random: inout some MaskDraws) -> Int {
        let u = random.uniform(from: 0, to: 1)
        return contextCount(of: grid.count, ratio: ratio[0] + u * (ratio[1] - ratio[0]))
    }

    private func contextCount(of count: Int, ratio: Double) -> Int {
        Int(Double(count) * (1 - ratio))
    }

    /// Draws context and target of one picture.
    public func blocks(on grid: MaskGrid, contextCount: Int, random: inout some MaskDraws)
        -> MultiBlock
    {
        let order = random.permutation(grid.count)
        return MultiBlock(
            contexts: [Array(order.prefix(contextCount))],
            targets: [Array(order.dropFirst(contextCount))])
    }
}

extension MaskStep {
    /// Context and target of each picture; the ratio is a function of the step's place in the epoch.
    public func randomSplit(_ sampler: RandomSplitMask, on grid: MaskGrid) -> MultiBlockBatch {
        var shared = sharedRandom
        let count = sampler.contextCount(on: grid, random: &shared)
        let pictures = keys.map { key in
            var random = random(of: key)
            return sampler.blocks(on: grid, contextCount: count, random: &random)
        }
        return MultiBlockBatch(pictures, truncation: .none)
    }
}

extension ImageBatch {
    /// Context and target of each picture; the ratio is a function of the batch's place in the epoch.
    public func randomSplit(_ sampler: RandomSplitMask, on grid: MaskGrid, view: Int = 0)
        -> MultiBlockBatch
    {
        maskStep(view: view).randomSplit(sampler, on: grid)
    }
}
