public import NN
import Torch

/// An encoder with its projection head: the student and the teacher of DINO and iBOT.
public final class DistillationNetwork<Encoder: DistilledEncoder>: Module {
    public let backbone: Encoder
    public let head: ProjectionHead

    init(_ backbone: Encoder, _ head: ProjectionHead) {
        (self.backbone, self.head) = (backbone, head)
    }

    /// The tokens of views `[B, C, H, W]`: those of one size that follow one another go through the
    /// encoder as one batch, view after view.
    ///
    /// - Parameters:
    ///   - views: of any sizes.
    ///   - mask: of all views, which then have one size, `[V·B, rows, columns]`; nil hides nothing.
    /// - Returns: `[V·B, 1 + N, D]` for each batch.
    func tokens(_ views: [Tensor], mask: Tensor? = nil) -> [Tensor] {
        var groups: [[Tensor]] = []
        for view in views {
            if let last = groups.last?.last, last.shape == view.shape {
                groups[groups.count - 1].append(view)
            } else {
                groups.append([view])
            }
        }
        require(mask == nil || groups.count == 1, "masked views have more than one size")
        return groups.map { group in
            backbone.distilledTokens(
                group.count == 1 ? group[0] : concatenated(group, 0), mask: mask)
        }
    }
}
