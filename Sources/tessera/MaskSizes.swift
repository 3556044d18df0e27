import Data
import Imaging

/// The grids that masks are drawn on.
enum MaskSizes {
    /// All pictures alike, or in turn.
    case given([MaskGrid])
    /// Each picture as featurenorm's training resizes it: `RandomResize`, in whole windows.
    case drawn(RandomResize, patchSize: Int)

    /// Sizes as they were typed.
    ///
    /// - Parameters:
    ///   - grid: `14x14`, rows by columns.
    ///   - pictures: `224x192,96x96`, heights by widths in pixels.
    ///   - patchSize: in pixels.
    ///   - mixed: whether the masks take pictures of different sizes.
    /// - Throws: `UsageError` for what is no size, or several where one is needed.
    init(grid: String?, pictures: String?, patchSize: Int, mixed: WindowMask?) throws {
        guard (1...4096).contains(patchSize) else {
            throw UsageError("--patch is \(patchSize), expected a number from 1 to 4096")
        }
        guard grid == nil || pictures == nil else {
            throw UsageError("--grid and --image-size say the same: give one of them")
        }
        if let grid {
            let sides = try Self.sides(grid, "--grid", "14x14, rows by columns", most: 256)
            self = .given([
                MaskGrid(rows: sides.0, columns: sides.1, patchSize: patchSize)
            ])
        } else if let mixed, pictures == nil {
            let multiple = patchSize * mixed.split.windowSize
            self = .drawn(
                RandomResize(
                    minSide: min(64, mixed.maxSide), maxSide: mixed.maxSide, multiple: multiple,
                    maxPixels: mixed.maxSide * mixed.maxSide), patchSize: patchSize)
        } else {
            let texts = (pictures ?? "224x224").split(separator: ",").map(String.init)
            guard texts.count == 1 || mixed != nil else {
                throw UsageError(
                    "--image-size has \(texts.count) sizes, expected one: of these masks a batch "
                        + "has one size; featurenorm takes several")
            }
            self = .given(
                try texts.map { text in
                    let sides = try Self.sides(
                        text, "--image-size", "224x192, height by width", most: 65536)
                    guard min(sides.0, sides.1) >= patchSize,
                        max(sides.0, sides.1) / patchSize <= 256
                    else {
                        throw UsageError(
                            "--image-size is \(text), expected 1 to 256 patches of \(patchSize) "
                                + "pixels along each side")
                    }
                    return try MaskGrid(height: sides.0, width: sides.1, patchSize: patchSize)
                })
        }
    }

    private static func sides(
        _ text: String, _ option: String, _ expected: String, most: Int
    ) throws -> (Int, Int) {
        let parts = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        if parts.count == 2, let first = parts[0], let second = parts[1],
            (1...most).contains(first), (1...most).contains(second)
        {
            return (first, second)
        }
        throw UsageError("\(option) has '\(text)', expected \(expected), each 1 to \(most)")
    }

    /// The one grid of all pictures; nil where they differ.
    var only: MaskGrid? {
        guard case .given(let grids) = self, grids.count == 1 else { return nil }
        return grids[0]
    }

    /// Whether a picture's own size matters.
    var needsStoredSize: Bool {
        if case .drawn = self { return true }
        return false
    }

    /// The grid of a picture.
    ///
    /// - Parameters:
    ///   - key: what its draws depend on.
    ///   - step: where it is in training.
    ///   - stored: its own size; nil for one that is made up, 375 by 500 pixels or the reverse.
    /// - Returns: the grid.
    /// - Throws: `ConfigurationError` where not a single patch fits.
    func grid(of key: Int, _ step: MaskStep, stored: PixelSize?) throws -> MaskGrid {
        switch self {
        case .given(let grids): return grids[key % grids.count]
        case .drawn(let resize, let patchSize):
            let madeUp = PixelSize(
                height: key % 2 == 0 ? 375 : 500, width: key % 2 == 0 ? 500 : 375)
            var random = CounterRandom(
                seed: step.seed, purpose: .augmentation, epoch: step.epoch, sample: key,
                view: step.view)
            let size = resize.drawSize(for: stored ?? madeUp, random: &random)
            return try MaskGrid(height: size.height, width: size.width, patchSize: patchSize)
        }
    }
}
