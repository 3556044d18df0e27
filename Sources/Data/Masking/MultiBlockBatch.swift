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

    /// The lists one after another: `patches` `[ΣK]`, and where each begins and the last ends,
    /// `offsets` `[B + 1]`, both int64.
    public var packed: (patches: Tensor, offsets: Tensor) {
        var offsets = [0]
        for row in rows { offsets.append(offsets[offsets.count - 1] + row.count) }
        return (Tensor(rows.flatMap { $0 }), Tensor(offsets))
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
