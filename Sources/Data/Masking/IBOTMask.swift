import Configuration

/// iBOT's masks: Zhou et al., *iBOT: Image BERT Pre-Training with Online Tokenizer* (2022).
///
/// 1. draw a ratio for each entry of `ratio`, then take one of them        (appendix A, "Masking")
/// 2. `block`: blocks of at least (⌊shorter side / 3⌋)² patches until the ratio is reached
///    `random`: that many patches anywhere
///
/// With the published ratios, 0 and 0.3 ± 0.2, half of the views stay whole. On a Swin transformer
/// the grid is that of its coarsest patches, 32 pixels.
///
/// Note: the last block may be larger than what is still wanted and is then given up, so that blocks
/// hide a little less than the ratio, 0.292 for 0.3 on 14×14 patches; as the reference.
public struct IBOTMask: MaskSampler {
    public enum Shape: String, Codable, Sendable, CaseIterable {
        case block
        case random
    }

    /// The part that is hidden: one number, or several of which one is taken for each view.
    public var ratio = [0.0, 0.3]
    /// How far a ratio may be from its entry of `ratio`; one number for all entries, or one each.
    public var spread = [0.0, 0.2]
    public var shape = Shape.block
    /// Nothing is hidden before this epoch.
    public var startEpoch = 0
    /// How likely a view is masked at all.
    public var probability = 1.0

    public init() {}

    public static var documentation: [String: String] {
        [
            "ratio": "the part of the patches that is hidden; of several one is taken for a view",
            "spread": "half the width of the interval around each ratio",
            "shape": "block: rectangles; random: single patches",
            "startEpoch": "nothing is hidden before this epoch",
            "probability": "how likely a view is masked at all",
        ]
    }

    public func validate() throws {
        guard !ratio.isEmpty, ratio.allSatisfy({ (0...1).contains($0) }) else {
            throw ConfigurationError.invalid(
                "ratio", found: "\(ratio)", expected: "numbers from 0 to 1")
        }
        guard spread.count == 1 || spread.count == ratio.count else {
            throw ConfigurationError.invalid(
                "spread", found: "\(spread)", expected: "one number or as many as ratio has")
        }
        for (index, ratio) in ratio.enumerated() {
            let spread = spread(of: index)
            guard spread >= 0, spread <= ratio, ratio + spread <= 1 else {
                throw ConfigurationError.invalid(
                    "spread", found: spread,
                    expected: "a number that keeps ratio \(ratio) within 0 to 1")
            }
        }
        guard startEpoch >= 0 else {
            throw ConfigurationError.invalid(
                "startEpoch", found: startEpoch, expected: "0 or a positive number")
        }
        guard (0...1).contains(probability) else {
            throw ConfigurationError.invalid(
                "probability", found: probability, expected: "a number from 0 to 1")
        }
    }

    public func validate(on grid: MaskGrid) throws {
        try validate()
        guard shape == .random || min(grid.rows, grid.columns) >= 2 else {
            throw ConfigurationError.invalid(
                "shape", found: shape.rawValue, expected: "random on a grid of \(grid) patches",
                advice: "a block never spans a whole side")
        }
    }

    private func spread(of index: Int) -> Double { spread.count == 1 ? spread[0] : spread[index] }

    @specialized(where Draws == CounterRandom)
    public func mask<Draws: MaskDraws>(on grid: MaskGrid, epoch: Int, random: inout Draws)
        -> PatchMask
    {
        let wanted = ratio(epoch: epoch, random: &random) * Double(grid.rows) * Double(grid.columns)
        switch shape {
        case .random:
            let cells = random.choose(Int(wanted), from: Array(0..<grid.count))
            return PatchMask(grid, hiding: cells)
        case .block:
            var mask = PatchMask(grid)
            let side = Double(min(grid.rows, grid.columns) / 3)
            let filling = BlockFilling(
                smallestArea: side * side, largestCount: .infinity, minAspect: 0.3)
            _ = filling.fill(&mask, to: wanted, random: &random)
            return mask
        }
    }

    /// The ratio of one view.
    func ratio(epoch: Int, random: inout some MaskDraws) -> Double {
        if epoch < startEpoch { return 0 }
        // No draw at 1, so that the published settings use up the numbers that the reference does.
        if probability < 1, random.uniform(from: 0, to: 1) >= probability { return 0 }
        let drawn = ratio.enumerated().map { index, ratio in
            let spread = spread(of: index)
            return spread > 0 ? random.uniform(from: ratio - spread, to: ratio + spread) : ratio
        }
        return drawn.count == 1 ? drawn[0] : drawn[random.integer(in: 0..<drawn.count)]
    }
}
