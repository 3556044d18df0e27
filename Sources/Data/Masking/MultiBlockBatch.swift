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
        let present = rows.flatMap { row in (0..<longest).map { $0 < row.count ? 1 : 0 } }
        return PatchSelection(
            patches: Tensor(patches, shape: [rows.count, longest]),
            isPresent: Tensor(present, shape: [rows.count, longest]).to(dtype: .bool))
    }
}

/// Some of the patches of each picture of a batch.
public struct PatchSelection {
    /// `[B, K]` int64.
    public let patches: Tensor
    /// `[B, K]`, false where a shorter list is filled up with patches that do not count; nil where none
    /// is.
    public let isPresent: Tensor?

    public init(patches: Tensor, isPresent: Tensor? = nil) {
        self.patches = patches
        self.isPresent = isPresent
    }

    /// `isPresent`, all true where nothing is filled up.
    public var presence: Tensor {
        isPresent ?? .ones(patches.shape, dtype: .bool, device: patches.device)
    }

    public func sent(to device: Device) -> PatchSelection {
        PatchSelection(patches: patches.sent(to: device), isPresent: isPresent?.sent(to: device))
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
