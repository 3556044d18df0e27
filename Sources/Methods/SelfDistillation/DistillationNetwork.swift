public import NN
import Torch

/// An encoder with its projection heads: the student and the teacher of DINO and iBOT.
public final class DistillationNetwork<Encoder: DistilledEncoder>: Module {
    public let backbone: Encoder
    public let head: ProjectionHead
    /// The patches' head where they have one of their own.
    let patchHead: ProjectionHead?

    init(_ backbone: Encoder, _ head: ProjectionHead, patchHead: ProjectionHead?) {
        (self.backbone, self.head, self.patchHead) = (backbone, head, patchHead)
    }

    /// The tokens of views `[B, C, H, W]`: those of one size that follow one another go through the
    /// encoder as one batch, view after view.
    ///
    /// - Parameters:
    ///   - global: of one size.
    ///   - mask: of the global views, `[G·B, rows, columns]`; nil hides nothing.
    ///   - local: of any sizes.
    ///   - packs: whether all go through the encoder at once, whatever their sizes.
    /// - Returns: `[G·B, 1 + N, D]`, then as much for each size of local ones.
    func tokens(
        _ global: [Tensor], mask: Tensor? = nil, local: [Tensor] = [], packs: Bool = false
    ) -> [Tensor] {
        var groups = [global]
        for (index, view) in local.enumerated() {
            if index > 0, view.shape == local[index - 1].shape {
                groups[groups.count - 1].append(view)
            } else {
                groups.append([view])
            }
        }
        let batches = groups.enumerated().map { index, group in
            (
                images: group.count == 1 ? group[0] : concatenated(group, 0),
                mask: index == 0 ? mask : nil
            )
        }
        if packs, batches.count > 1, let packing = backbone as? any PackingEncoder {
            return packing.distilledTokens(packing: batches)
        }
        return batches.map { backbone.distilledTokens($0.images, mask: $0.mask) }
    }
}

// MARK: - Heads

extension DistillationNetwork {
    /// The logits of all class tokens, and of some patches of the first size.
    ///
    /// Only what counts goes through the heads, unless norms of the class's head are over tokens: then
    /// they are over all of a size, as in the reference.
    ///
    /// - Parameters:
    ///   - outputs: `[B, 1 + N, D]` of each size.
    ///   - rows: numbers among the B · N patches of the first size; nil for none.
    /// - Returns: `[ΣB, K]` and `[M, K₂]`.
    func logits(of outputs: [Tensor], patches rows: Tensor?) -> DistillationLoss.Logits {
        let classes = outputs.map { $0[0..., 0] }
        func patches(_ tokens: Tensor) -> Tensor? {
            rows.map { tokens[0..., 1...].flattened(0, 1).selectingRows($0) }
        }
        if let patchHead {
            return .init(
                classes: head.classLogits(head.hidden(concatenated(classes, 0))),
                patches: patches(outputs[0]).map { patchHead.classLogits(patchHead.hidden($0)) })
        }
        if head.mixesTokens {
            let hidden = outputs.map(head.hidden)
            return .init(
                classes: head.classLogits(concatenated(hidden.map { $0[0..., 0] }, 0)),
                patches: patches(hidden[0]).map(head.patchLogits))
        }
        guard let patches = patches(outputs[0]) else {
            return .init(classes: head.classLogits(head.hidden(concatenated(classes, 0))))
        }
        let count = classes.reduce(0) { $0 + $1.shape[0] }
        let hidden = head.hidden(concatenated(classes + [patches], 0))
        return .init(
            classes: head.classLogits(hidden[..<count]),
            patches: head.patchLogits(hidden[count...]))
    }

    /// The same of one size, with the mean of the logits of all patches.
    ///
    /// - Parameters:
    ///   - tokens: `[B, 1 + N, D]`.
    ///   - rows: numbers among the B · N patches; nil for none.
    /// - Returns: `[B, K]`, `[M, K₂]` and `[1, K₂]`.
    func logitsWithMean(of tokens: Tensor, patches rows: Tensor?) -> DistillationLoss.Logits {
        let (classes, patches): (Tensor, Tensor)
        if let patchHead {
            (classes, patches) = (
                head.hidden(tokens[0..., 0]), patchHead.hidden(tokens[0..., 1...])
            )
        } else {
            let hidden = head.hidden(tokens)  // [B, 1 + N, F]
            (classes, patches) = (hidden[0..., 0], hidden[0..., 1...])
        }
        let all = patches.flattened(0, 1)  // [B · N, F]
        let logits = patchHead?.classLogits ?? head.patchLogits
        return .init(
            classes: head.classLogits(classes),
            patches: rows.map { logits(all.selectingRows($0)) },
            patchMean: logits(all.mean(0, keepDim: true)))
    }
}
