import Data
import Torch
import VisionModels

/// The blocks of a batch as tensors on the device of its pictures.
///
/// B images, E contexts, P targets, M patches of a target.
struct JointEmbeddingMasks {
    /// E selections of patches.
    let contexts: [PatchSelection]
    /// P tensors of patches, `[B, M]`.
    let targets: [Tensor]
    /// Mean numbers of patches, by the names of the reference's log.
    let sizes: [(name: String, value: Tensor)]

    /// The blocks that a sampler drew; targets of different lengths are cut to the shortest.
    init(_ blocks: MultiBlockBatch, on device: Device) {
        // The contexts of a picture go through the encoder as one batch, so all have one length.
        let longest = blocks.contexts.flatMap { $0.rows.map(\.count) }.max()
        contexts = blocks.contexts.map { $0.selection(length: longest).sent(to: device) }
        let shortest = blocks.targets.flatMap { $0.rows.map(\.count) }.min() ?? 0
        targets = blocks.targets.map { lists in
            PatchLists(rows: lists.rows.map { Array($0.prefix(shortest)) }).tensor.sent(to: device)
        }
        func mean(_ lists: [PatchLists]) -> Tensor {
            let counts = lists.flatMap { $0.rows.map { Double($0.count) } }
            return Tensor(scalar: counts.reduce(0, +) / Double(max(counts.count, 1)))
        }
        sizes = [
            ("context_patches", mean(blocks.contexts)), ("target_patches", mean(blocks.targets)),
        ]
    }

    /// Given blocks: patches `[B, K]` of each context and `[B, M]` of each target.
    init(contexts: [Tensor], targets: [Tensor]) {
        self.contexts = contexts.map { PatchSelection(patches: $0) }
        self.targets = targets
        sizes = []
    }

    /// The tokens of every target, for every context: `[B, N, D] -> [P·E·B, M, D]`.
    func targetTokens(of tokens: Tensor) -> Tensor {
        Predictor.repeated(targets.map { tokens.selectingTokens($0) }, contexts.count)
    }
}
