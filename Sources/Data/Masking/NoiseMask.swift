import Configuration

/// MAE's masks as settings: the patches of the largest noise are hidden.
///
/// `RandomMask` draws the same on the device, from the same numbers.
public struct NoiseMask: MaskScheme {
    /// The part of the patches that is hidden.
    public var maskRatio = 0.75

    public init() {}

    public static var documentation: [String: String] {
        ["maskRatio": "the part of the patches that is dropped"]
    }

    public func validate() throws {
        guard maskRatio > 0, maskRatio < 1 else {
            throw ConfigurationError.invalid(
                "maskRatio", found: maskRatio, expected: "a number between 0 and 1")
        }
    }

    public func validate(on grid: MaskGrid) throws {
        try validate()
        guard (1..<grid.count).contains(RandomMask.keptCount(of: grid.count, ratio: maskRatio))
        else {
            throw ConfigurationError.invalid(
                "maskRatio", found: maskRatio,
                expected: "a part that leaves some of the \(grid.count) patches, not all")
        }
    }

    public func masks(of step: MaskStep, on grid: MaskGrid) -> [PictureMask] {
        let kept = RandomMask.keptCount(of: grid.count, ratio: maskRatio)
        return step.keys.map { key in
            var random = step.random(of: key)
            let noise = (0..<grid.count).map { _ -> Float in random.uniform() }
            let order = noise.indices.sorted { (noise[$0], $0) < (noise[$1], $1) }
            return PictureMask(
                grid, contexts: [Array(order[..<kept])], targets: [Array(order[kept...])])
        }
    }
}
