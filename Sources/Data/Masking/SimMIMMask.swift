import Configuration

/// SimMIM's mask: Xie et al., *SimMIM: A Simple Framework for Masked Image Modeling* (2022).
///
/// 1. cut the picture into square units of several patches       (section 3.2, "Masking strategy")
/// 2. put the units into random order, hide the first ⌈units · ratio⌉
/// 3. a patch is hidden with its unit
public struct SimMIMMask: MaskSampler {
    /// The side of a unit in pixels.
    public var unit = 32
    /// The part of the units that is hidden.
    public var ratio = 0.6

    public init() {}

    public static var documentation: [String: String] {
        [
            "unit": "the side of what is hidden as one piece, in pixels; a multiple of the patch",
            "ratio": "the part of the pieces that is hidden, rounded up",
        ]
    }

    public func validate() throws {
        guard unit > 0 else {
            throw ConfigurationError.invalid("unit", found: unit, expected: "a positive number")
        }
        guard ratio > 0, ratio < 1 else {
            throw ConfigurationError.invalid(
                "ratio", found: ratio, expected: "a number between 0 and 1")
        }
    }

    public func validate(on grid: MaskGrid) throws {
        try validate()
        guard unit % grid.patchSize == 0 else {
            throw ConfigurationError.invalid(
                "unit", found: unit, expected: "a multiple of the patch, \(grid.patchSize)")
        }
        guard grid.height % unit == 0, grid.width % unit == 0 else {
            throw ConfigurationError.invalid(
                "unit", found: unit,
                expected: "a divisor of both sides of the picture, \(grid.height)×\(grid.width)")
        }
    }

    /// How many of `count` units are hidden.
    public func hiddenCount(of count: Int) -> Int { Int((Double(count) * ratio).rounded(.up)) }

    @specialized(where Draws == CounterRandom)
    public func mask<Draws: MaskDraws>(on grid: MaskGrid, epoch: Int, random: inout Draws)
        -> PatchMask
    {
        let scale = unit / grid.patchSize
        let units = MaskGrid(
            rows: grid.rows / scale, columns: grid.columns / scale, patchSize: unit)
        let order = random.permutation(units.count)
        return PatchMask(units, hiding: order.prefix(hiddenCount(of: units.count)))
            .repeated(scale)
    }
}
