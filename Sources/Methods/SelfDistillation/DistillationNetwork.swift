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
        guard packs, batches.count > 1 else {
            return batches.map { backbone.distilledTokens($0.images, mask: $0.mask) }
        }
        return backbone.distilledTokens(packing: batches)
    }

    /// What patches are compared with prototypes by, `[…, D] -> […, F]`.
    func hiddenPatches(_ tokens: Tensor) -> Tensor { (patchHead ?? head).hidden(tokens) }

    /// `[…, F] -> […, K₂]`.
    func patchLogits(_ hidden: Tensor) -> Tensor {
        patchHead.map { $0.classLogits(hidden) } ?? head.patchLogits(hidden)
    }
}
