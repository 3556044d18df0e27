public import Torch

/// The contexts and targets of a batch, all of one length where they are truncated.
///
/// Shapes: B pictures, E contexts, P targets.
public struct MultiBlockBatch: Sendable {
    /// E lists of patches for each of the B pictures: `contexts[e].rows[b]`.
    public let contexts: [PatchLists]
    /// P lists of patches for each of the B pictures.
    public let targets: [PatchLists]

    /// Collates the pictures of a batch; contexts and targets are cut to their shortest lists.
    public init(_ pictures: [MultiBlock], truncation: MultiBlockMask.Truncation = .first) {
        func collate(_ lists: (MultiBlock) -> [[Int]]) -> [PatchLists] {
            let shortest = pictures.flatMap { lists($0).map(\.count) }.min() ?? 0
            return (pictures.first.map(lists) ?? []).indices.map { place in
                PatchLists(
                    rows: pictures.map { picture in
                        let list = lists(picture)[place]
                        switch truncation {
                        case .first: return Array(list.prefix(shortest))
                        case .random: return list.prefix(shortest).sorted()
                        case .none: return list
                        }
                    })
            }
        }
        contexts = collate(\.contexts)
        targets = collate(\.targets)
    }
}

/// A list of patches for each picture of a batch.
public struct PatchLists: Hashable, Sendable {
    public let rows: [[Int]]

    public init(rows: [[Int]]) { self.rows = rows }

    /// The length of all lists; nil where they differ.
    public var length: Int? {
        let first = rows.first?.count ?? 0
        return rows.allSatisfy { $0.count == first } ? first : nil
    }

    /// The lists as `[B, K]` int64; stops where their lengths differ.
    public var tensor: Tensor {
        guard let length else { fatalError("PatchLists: lists of different lengths; pack them") }
        return Tensor(rows.flatMap { $0 }, shape: [rows.count, length])
    }

    /// The lists as a tensor, shorter ones filled up.
    ///
    /// - Parameter wanted: to so many, at least that of the longest; nil for that.
    /// - Returns: `[B, K]`.
    public func selection(length wanted: Int? = nil) -> PatchSelection {
        let longest = wanted ?? rows.map(\.count).max() ?? 0
        if length == longest { return PatchSelection(patches: tensor) }
        let patches = rows.flatMap { $0 + Array(repeating: 0, count: longest - $0.count) }
        return PatchSelection(
            patches: Tensor(patches, shape: [rows.count, longest]),
            lengths: rows.map(\.count))
    }
}

/// Some of the patches of each picture of a batch.
public struct PatchSelection {
    /// `[B, K]` int64.
    public let patches: Tensor
    /// How many of each row count, where shorter lists are filled up with patches that do not; nil where
    /// all do.
    public let lengths: [Int]?

    public init(patches: Tensor, lengths: [Int]? = nil) {
        self.patches = patches
        self.lengths = lengths
    }

    /// How many count of each row of selections of as many patches, one after another: `[E·B]`; nil where
    /// all do.
    public static func lengths(of selections: [PatchSelection]) -> [Int]? {
        guard selections.contains(where: { $0.lengths != nil }) else { return nil }
        return selections.flatMap {
            $0.lengths ?? Array(repeating: $0.patches.shape[1], count: $0.patches.shape[0])
        }
    }

    public func sent(to device: Device) -> PatchSelection {
        PatchSelection(patches: patches.sent(to: device), lengths: lengths)
    }
}

extension MaskStep {
    /// The blocks of the step: sizes are a function of its place in the epoch, blocks of each picture
    /// and the epoch.
    public func multiBlock(_ sampler: MultiBlockMask, on grid: MaskGrid) -> MultiBlockBatch {
        var shared = sharedRandom
        let sizes = sampler.sizes(on: grid, random: &shared)
        let pictures = keys.map { key in
            var random = random(of: key)
            return sampler.blocks(on: grid, sizes, random: &random)
        }
        return MultiBlockBatch(pictures, truncation: sampler.truncation)
    }
}

extension ImageBatch {
    /// The blocks of the batch: sizes are a function of the batch's place in the epoch, blocks of
    /// each picture and the epoch.
    ///
    /// A part of a batch that is accumulated has the sizes of the whole, and its own lengths.
    public func multiBlock(_ sampler: MultiBlockMask, on grid: MaskGrid, view: Int = 0)
        -> MultiBlockBatch
    {
        maskStep(view: view).multiBlock(sampler, on: grid)
    }
}
