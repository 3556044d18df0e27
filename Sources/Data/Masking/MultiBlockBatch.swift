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
            present: TokenPlaces(
                sequences: Tensor(
                    rows.indices.flatMap { Array(repeating: $0, count: rows[$0].count) }),
                tokens: Tensor(rows.flatMap { Array($0.indices) })))
    }
}

/// Some of the patches of each picture of a batch.
public struct PatchSelection {
    /// `[B, K]` int64.
    public let patches: Tensor
    /// Those that count, where shorter lists are filled up with patches that do not; nil where none is.
    public let present: TokenPlaces?

    public init(patches: Tensor, present: TokenPlaces? = nil) {
        self.patches = patches
        self.present = present
    }

    /// Selections of as many patches from the same pictures, one after another: `[E·B, K]`.
    public init(joining selections: [PatchSelection]) {
        patches = concatenated(selections.map(\.patches), 0)
        guard selections.contains(where: { $0.present != nil }) else {
            present = nil
            return
        }
        let (count, length) = (selections[0].patches.shape[0], selections[0].patches.shape[1])
        present = TokenPlaces(
            joining: selections.map {
                $0.present ?? .all(of: count, 0..<length, device: $0.patches.device)
            }, of: count)
    }

    public func sent(to device: Device) -> PatchSelection {
        PatchSelection(patches: patches.sent(to: device), present: present?.sent(to: device))
    }
}

/// Tokens of sequences of one length: of which sequence each is, and which of its tokens.
public struct TokenPlaces {
    /// `[R]` int64.
    public let sequences: Tensor
    /// `[R]` int64.
    public let tokens: Tensor

    public init(sequences: Tensor, tokens: Tensor) {
        (self.sequences, self.tokens) = (sequences, tokens)
    }

    /// Some tokens of each of `count` sequences.
    public static func all(of count: Int, _ tokens: Range<Int>, device: Device) -> TokenPlaces {
        let shape = [count, tokens.count]
        return TokenPlaces(
            sequences: Tensor.range(0..<count, device: device).unsqueezed(1).expanded(shape)
                .flattened(),
            tokens: Tensor.range(tokens, device: device).unsqueezed(0).expanded(shape).flattened())
    }

    /// Tokens of groups of `count` sequences, where the groups are one after another.
    public init(joining groups: [TokenPlaces], of count: Int) {
        sequences = concatenated(
            groups.enumerated().map { $1.sequences + Tensor(scalar: $0 * count) }, 0)
        tokens = concatenated(groups.map(\.tokens), 0)
    }

    /// Their numbers among the tokens of all sequences of a length, `[R]`.
    public func numbers(length: Int) -> Tensor {
        sequences * Tensor(scalar: length) + tokens
    }

    public func sent(to device: Device) -> TokenPlaces {
        TokenPlaces(sequences: sequences.sent(to: device), tokens: tokens.sent(to: device))
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
