public import Configuration

/// Context and target blocks: Assran et al., *Self-Supervised Learning from Images with a
/// Joint-Embedding Predictive Architecture* (I-JEPA, 2023), section 3; Bar et al., *Stochastic
/// Positional Embeddings Improve Masked Image Modeling* (StoP, 2024).
///
/// 1. one size for the target blocks and one for the context blocks of the whole batch
/// 2. for each picture `targets` target blocks anywhere
/// 3. `contexts` context blocks, from which the patches of the targets are taken away; a context
///    that keeps too few patches is drawn again, after 20 attempts with one target less taken away
/// 4. every list is cut to the length of the batch's shortest one
///
/// Note: three habits of the reference are kept. The upper bound of a corner is one short, so that
/// no block ever covers the last row or column; `reachesEdges` mends it. One random number sets both
/// area and aspect ratio of a target. `truncation: first` keeps the first patches of a list, so that contexts lose their
/// lower rows, the more the larger the batch; `random` and `none` do not.
public struct MultiBlockMask: Configuration, Hashable {
    /// How the lists of a batch come to one length.
    public enum Truncation: String, Codable, Sendable, CaseIterable {
        /// The first patches of each list, row by row: the reference.
        case first
        /// Random patches of each list.
        case random
        /// Not at all: lists of different lengths, to be packed.
        case none
    }

    /// What happens when context blocks are not larger than target blocks.
    public enum SmallContexts: String, Codable, Sendable, CaseIterable {
        /// As always: contexts keep away from targets. I-JEPA.
        case targetsFirst
        /// Contexts lie anywhere and targets keep away from them. What StoP means.
        case contextsFirst
        /// Contexts lie anywhere and targets keep out of the columns of the last one. StoP's code.
        case contextColumns
    }

    public var contexts = 1
    public var targets = 4
    /// The area of a context block as a part of the grid.
    public var contextScale = [0.85, 1.0]
    /// The area of a target block as a part of the grid.
    public var targetScale = [0.15, 0.2]
    /// Height to width of a target block.
    public var aspectRatio = [0.75, 1.5]
    /// A list of patches is longer than this.
    public var minKeep = 10
    /// Whether contexts may hold patches of targets.
    public var allowOverlap = false
    /// Whether blocks may cover the last row and column, and span a whole side.
    public var reachesEdges = false
    public var truncation = Truncation.first
    public var smallContexts = SmallContexts.targetsFirst

    public init() {}

    /// The setting of all published I-JEPA models.
    public static let ijepa = MultiBlockMask()
    /// The setting of all published StoP models.
    public static let stop = {
        var mask = MultiBlockMask()
        mask.smallContexts = .contextsFirst
        return mask
    }()

    public static var documentation: [String: String] {
        [
            "contexts": "context blocks of a picture",
            "targets": "target blocks of a picture",
            "contextScale": "the area of a context block as a part of the grid, from and to",
            "targetScale": "the area of a target block as a part of the grid, from and to",
            "aspectRatio": "height to width of a target block, from and to",
            "minKeep": "every context and target has more patches than this",
            "allowOverlap": "whether contexts may hold patches of targets",
            "reachesEdges":
                "whether blocks may cover the last row and column, and span a whole side; "
                + "the reference's never do",
            "truncation": "how the lists of a batch come to one length: first (the reference, "
                + "loses the lower rows), random, or none (lists of different lengths)",
            "smallContexts": "when contexts are no larger than targets: targetsFirst as always "
                + "(I-JEPA), contextsFirst lets targets keep away from contexts, "
                + "contextColumns from their columns (StoP's code)",
        ]
    }

    public func validate() throws {
        for (key, value) in [("contexts", contexts), ("targets", targets)] where value <= 0 {
            throw ConfigurationError.invalid(key, found: value, expected: "a positive number")
        }
        for (key, range) in [("contextScale", contextScale), ("targetScale", targetScale)] {
            guard range.count == 2, range[0] > 0, range[0] <= range[1], range[1] <= 1 else {
                throw ConfigurationError.invalid(
                    key, found: "\(range)", expected: "two ascending numbers in (0, 1]")
            }
        }
        guard aspectRatio.count == 2, aspectRatio[0] > 0, aspectRatio[0] <= aspectRatio[1],
            aspectRatio[1].isFinite
        else {
            throw ConfigurationError.invalid(
                "aspectRatio", found: "\(aspectRatio)", expected: "two ascending positive numbers")
        }
        guard minKeep >= 0 else {
            throw ConfigurationError.invalid(
                "minKeep", found: minKeep, expected: "0 or a positive number")
        }
    }

    /// Throws `ConfigurationError` where a block could be too small to keep more than `minKeep`
    /// patches: the reference would try for ever.
    public func validate(on grid: MaskGrid) throws {
        try validate()
        for step in 0...4096 {
            let u = Double(step) / 4096
            let sizes = BlockSizes(
                target: targetSize(u, on: grid), context: contextSize(u, on: grid))
            for (key, size) in [("targetScale", sizes.target), ("contextScale", sizes.context)]
            where size.count <= minKeep {
                throw ConfigurationError.invalid(
                    key, found: key == "targetScale" ? "\(targetScale)" : "\(contextScale)",
                    expected: "blocks of more than minKeep, \(minKeep), patches",
                    advice: "on \(grid) patches one may be \(size); raise the scale or the size of "
                        + "the picture, or lower minKeep")
            }
        }
    }
}

// MARK: - Sizes

/// The sizes of blocks that the pictures of a batch have in common.
public struct BlockSizes: Hashable, Sendable {
    public var target: BlockSize
    public var context: BlockSize

    public init(target: BlockSize, context: BlockSize) {
        (self.target, self.context) = (target, context)
    }
}

/// Rows and columns of a block.
public struct BlockSize: Hashable, Sendable, CustomStringConvertible {
    public let height: Int
    public let width: Int

    public init(height: Int, width: Int) { (self.height, self.width) = (height, width) }

    public var count: Int { height * width }
    public var description: String { "\(height)×\(width)" }
}

extension MultiBlockMask {
    /// Draws the sizes for a batch: one number for the targets, one for the contexts.
    public func sizes(on grid: MaskGrid, random: inout some MaskDraws) -> BlockSizes {
        // `validate(on:)` has seen that sizes fit on a fine scale; what falls between is drawn again.
        for _ in 0..<1000 {
            let sizes = BlockSizes(
                target: targetSize(random.uniform(from: 0, to: 1), on: grid),
                context: contextSize(random.uniform(from: 0, to: 1), on: grid))
            if min(sizes.target.count, sizes.context.count) > minKeep { return sizes }
        }
        fatalError("MultiBlockMask: no block on \(grid) patches has more than \(minKeep)")
    }

    /// The size of target blocks for a number `u` in [0, 1).
    public func targetSize(_ u: Double, on grid: MaskGrid) -> BlockSize {
        size(u, on: grid, scale: targetScale, aspect: aspectRatio)
    }

    /// The size of context blocks, as square as the grid admits, for a number `u` in [0, 1).
    public func contextSize(_ u: Double, on grid: MaskGrid) -> BlockSize {
        size(u, on: grid, scale: contextScale, aspect: [1, 1])
    }

    private func size(_ u: Double, on grid: MaskGrid, scale: [Double], aspect: [Double])
        -> BlockSize
    {
        let area = (Double(grid.count) * (scale[0] + u * (scale[1] - scale[0]))).rounded(.down)
        let ratio = aspect[0] + u * (aspect[1] - aspect[0])
        let height = Int((area * ratio).squareRoot().rounded(.toNearestOrEven))
        let width = Int((area / ratio).squareRoot().rounded(.toNearestOrEven))
        // In the reference a block never spans a whole side.
        let spare = reachesEdges ? 0 : 1
        return BlockSize(
            height: min(height, grid.rows - spare), width: min(width, grid.columns - spare))
    }
}
