import Configuration

/// Block-wise masking: Bao et al., *BEiT: BERT Pre-Training of Image Transformers* (2022), and its
/// variants in BEiT v2 (Peng et al., 2022) and CAE (Chen et al., *Context Autoencoder*, 2024).
///
/// 1. draw the area of a block and its aspect ratio                    (BEiT, algorithm 1)
/// 2. hide it at a random place if it hides something new and not too much
/// 3. repeat until `count` patches are hidden
///
/// When ten attempts in a row fail, BEiT is content with fewer patches, BEiT v2 hides single patches
/// for the rest, CAE goes on with blocks.
public struct BEiTMask: MaskSampler {
    /// What is done when no block was found.
    public enum Completion: String, Codable, Sendable, CaseIterable {
        /// BEiT: fewer patches are hidden, 74.5 of 75 on average.
        case none
        /// BEiT v2: single patches, so that exactly `count` are hidden.
        case patches
        /// CAE: further blocks, so that exactly `count` are hidden.
        case blocks
    }

    /// Patches that are hidden.
    public var count = 75
    /// The smallest area of a block, in patches.
    public var minBlock = 16
    /// The most patches that a block may hide; nil for `count`.
    public var maxBlock: Int? = nil
    /// Width to height of a block, from this to its inverse.
    public var minAspect = 0.3
    public var completion = Completion.none

    public init() {}

    /// BEiT: 75 of 196 patches at most.
    public static let beit = BEiTMask()
    /// BEiT v2: exactly 75 of 196 patches.
    public static let beitV2 = {
        var mask = BEiTMask()
        mask.completion = .patches
        return mask
    }()
    /// CAE: exactly 98 of 196 patches.
    public static let cae = {
        var mask = BEiTMask()
        (mask.count, mask.completion) = (98, .blocks)
        return mask
    }()

    public static var documentation: [String: String] {
        [
            "count": "patches that are hidden",
            "minBlock": "the smallest area of a block, in patches",
            "maxBlock": "the most patches that a block may hide; null for count",
            "minAspect": "a block is at least this much as wide as high, and as high as wide",
            "completion": "where no block fits: none hides fewer patches (BEiT), patches hides "
                + "single ones (BEiT v2), blocks goes on (CAE)",
        ]
    }

    public func validate() throws {
        for (key, value) in [("count", count), ("minBlock", minBlock), ("maxBlock", maxBlock ?? 1)]
        where value <= 0 {
            throw ConfigurationError.invalid(key, found: value, expected: "a positive number")
        }
        guard minAspect > 0, minAspect <= 1 else {
            throw ConfigurationError.invalid(
                "minAspect", found: minAspect, expected: "a number above 0, at most 1")
        }
    }

    public func validate(on grid: MaskGrid) throws {
        try validate()
        guard count <= grid.count else {
            throw ConfigurationError.invalid(
                "count", found: count, expected: "at most the \(grid.count) patches of the picture")
        }
        guard min(grid.rows, grid.columns) >= 2 else {
            throw ConfigurationError.invalid(
                "grid", found: grid, expected: "two rows and two columns of patches or more",
                advice: "a block never spans a whole side")
        }
    }

    @specialized(where Draws == CounterRandom)
    public func mask<Draws: MaskDraws>(on grid: MaskGrid, epoch: Int, random: inout Draws)
        -> PatchMask
    {
        var mask = PatchMask(grid)
        let filling = BlockFilling(
            smallestArea: Double(minBlock), largestCount: Double(maxBlock ?? count),
            minAspect: minAspect)
        // The reference of CAE would try for ever; here single patches fill what blocks cannot.
        let rounds = completion == .blocks ? 1000 : 1
        for _ in 0..<rounds {
            if filling.fill(&mask, to: Double(count), random: &random) { return mask }
        }
        guard completion != .none else { return mask }
        let missing = count - mask.hiddenCount
        for index in random.choose(missing, from: mask.visibleIndices) { mask[index] = true }
        return mask
    }
}
