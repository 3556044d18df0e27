public import Configuration

/// Context and target windows of I-JEPA on packed sequences of pictures of any size.
///
/// 1. cut the grid into windows of `windowSize × windowSize` patches
/// 2. draw how many are context: `minContext` to `maxContext` of them, all sizes equally likely
/// 3. put the windows into random order: the first are the context, the others the target
///
/// Both lists are whole windows one after another; inside a window patches run row by row.
public struct WindowSplit: Configuration, Hashable {
    /// W, patches along the side of a window.
    public var windowSize = 2
    /// The least part of the windows that is context.
    public var minContext = 0.25
    /// The largest part of the windows that is context.
    public var maxContext = 0.5
    /// The longest context, as a part of the patches of the largest picture.
    public var longestContext = 0.5
    /// Register tokens in front of each context.
    public var registers = 0

    public init() {}

    public static var documentation: [String: String] {
        [
            "windowSize":
                "patches along the side of a window, which is seen or predicted as a whole",
            "minContext": "the least part of the windows that is context",
            "maxContext": "the largest part of the windows that is context",
            "longestContext":
                "the longest context, as a part of the patches of the largest picture",
            "registers": "register tokens in front of each context; a multiple of windowSize²",
        ]
    }

    public func validate() throws {
        guard windowSize > 0 else {
            throw ConfigurationError.invalid(
                "windowSize", found: windowSize, expected: "a positive number")
        }
        let parts = [
            ("minContext", minContext), ("maxContext", maxContext),
            ("longestContext", longestContext),
        ]
        for (key, value) in parts where !(value > 0 && value < 1) {
            throw ConfigurationError.invalid(
                key, found: value, expected: "a number between 0 and 1")
        }
        guard minContext <= longestContext, longestContext <= maxContext else {
            throw ConfigurationError.invalid(
                "longestContext", found: longestContext,
                expected: "a number from minContext, \(minContext), to maxContext, \(maxContext)")
        }
        guard registers >= 0, registers % windowPatches == 0 else {
            throw ConfigurationError.invalid(
                "registers", found: registers,
                expected: "0 or a multiple of the \(windowPatches) patches of a window")
        }
    }

    /// Throws `ConfigurationError` for a grid that windows do not fill, or that has only one.
    public func validate(on grid: MaskGrid) throws {
        try validate()
        guard grid.rows % windowSize == 0, grid.columns % windowSize == 0 else {
            throw ConfigurationError.invalid(
                "windowSize", found: windowSize,
                expected: "a divisor of the rows and columns of \(grid) patches")
        }
        guard grid.count >= 2 * windowPatches else {
            throw ConfigurationError.invalid(
                "windowSize", found: windowSize,
                expected: "a window of at most half of the \(grid) patches")
        }
    }

    /// Patches of a window, W².
    public var windowPatches: Int { windowSize * windowSize }

    /// How many of the windows of a picture, two or more, are context; each number is equally likely.
    ///
    /// `maxPatches` is the longest context, without registers.
    public func contextWindows(of windows: Int, maxPatches: Int) -> ClosedRange<Int> {
        if windows == 2 { return 1...1 }
        let low = max(1, Self.rounded(Double(windows) * minContext))
        let high = min(
            Self.rounded(Double(windows) * maxContext), windows - 1, maxPatches / windowPatches)
        return low < high ? low...high : high...high
    }

    /// Half to even, as Python's `round`.
    static func rounded(_ value: Double) -> Int { Int(value.rounded(.toNearestOrEven)) }

    /// Draws the split of one picture; `maxPatches` is the longest context,
    /// `lengths(…).contextPatches`.
    public func split(_ grid: MaskGrid, maxPatches: Int, random: inout some MaskDraws)
        -> MultiBlock
    {
        let windows = grid.count / windowPatches
        let range = contextWindows(of: windows, maxPatches: maxPatches)
        let count =
            range.count == 1
            ? range.lowerBound : random.integer(in: range.lowerBound..<range.upperBound + 1)
        let order = random.permutation(windows)
        func patches(_ windows: ArraySlice<Int>) -> [Int] {
            windows.flatMap { patchesOfWindow($0, on: grid) }
        }
        return MultiBlock(contexts: [patches(order[..<count])], targets: [patches(order[count...])])
    }

    /// The patches of a window, both counted row by row.
    func patchesOfWindow(_ window: Int, on grid: MaskGrid) -> [Int] {
        let across = grid.columns / windowSize
        let (top, left) = (window / across * windowSize, window % across * windowSize)
        return (0..<windowPatches).map { index in
            (top + index / windowSize) * grid.columns + left + index % windowSize
        }
    }
}

// MARK: - Lengths

/// Lengths that follow from a split and the largest picture.
public struct WindowLengths: Hashable, Sendable {
    /// The sides of every picture are multiples of this, in pixels.
    public let sideMultiple: Int
    /// The most pixels that a picture keeps.
    public let pixels: Int
    /// The longest context, without registers.
    public let contextPatches: Int
    /// The longest target.
    public let targetPatches: Int
    /// Of the context area of a packed sequence, registers included.
    public let contextTokens: Int

    /// Of a packed sequence.
    public var tokens: Int { contextTokens + targetPatches }
}

extension WindowSplit {
    /// The lengths for pictures whose sides have at most `maxSide` pixels.
    public func lengths(maxSide: Int, patchSize: Int) -> WindowLengths {
        let most = (maxSide / patchSize) * (maxSide / patchSize)
        let context = Self.rounded(Double(most) * longestContext)
        let leastWindows = Int(Double(most / windowPatches) * minContext)
        return WindowLengths(
            sideMultiple: patchSize * windowSize, pixels: most * patchSize * patchSize,
            contextPatches: context, targetPatches: most - leastWindows * windowPatches,
            contextTokens: context + registers)
    }
}
