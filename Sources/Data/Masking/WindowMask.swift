import Configuration

/// Featurenorm's masks with all that surrounds them: windows of pictures of any size, packed, of
/// which the predictor takes some.
///
/// 1. split the windows of each picture into context and target        (`WindowSplit`)
/// 2. pack contexts and targets into sequences                         (`PairPacker`)
/// 3. each repeat of a sequence takes some windows of either area      (`WindowSampling`)
public struct WindowMask: MaskScheme {
    public var split = WindowSplit()
    public var sampling = WindowSampling()
    /// The longest side of a picture in pixels, which the lengths of sequences follow from.
    public var maxSide = 256

    public init() {}

    public static var documentation: [String: String] {
        [
            "split": "which windows are context, which target",
            "sampling": "which windows of a sequence the predictor takes",
            "maxSide": "the longest side of a picture in pixels; lengths of sequences follow",
        ]
    }

    public func validate() throws {
        guard maxSide > 0 else {
            throw ConfigurationError.invalid(
                "maxSide", found: maxSide, expected: "a positive number")
        }
    }

    public func validate(on grid: MaskGrid) throws {
        try validate()
        try split.validate(on: grid)
        let most = (maxSide / grid.patchSize) * (maxSide / grid.patchSize)
        guard grid.count <= most else {
            throw ConfigurationError.invalid(
                "maxSide", found: maxSide,
                expected: "pictures of at most \(most) patches, not \(grid)",
                advice: "raise maxSide or make the pictures smaller")
        }
        let lengths = lengths(patchSize: grid.patchSize)
        for tokens in [lengths.contextTokens, lengths.targetPatches] {
            try sampling.validate(windows: tokens / split.windowPatches)
        }
    }

    /// The lengths of packed sequences.
    public func lengths(patchSize: Int) -> WindowLengths {
        split.lengths(maxSide: maxSide, patchSize: patchSize)
    }

    public func masks(of step: MaskStep, on grid: MaskGrid) -> [PictureMask] {
        let longest = lengths(patchSize: grid.patchSize).contextPatches
        return step.keys.map { key in
            var random = step.random(of: key)
            let blocks = split.split(grid, maxPatches: longest, random: &random)
            return PictureMask(grid, contexts: blocks.contexts, targets: blocks.targets)
        }
    }
}
