import Foundation
import Torch

/// What tells a healthy teacher from one that says the same of every picture.
///
/// A teacher collapses in two ways that the loss alone cannot tell from success: it gives all
/// prototypes the same probability, or all pictures the same prototype. The first shows in the entropy
/// of its targets, the second in how many prototypes the batch as a whole uses. R rows, K prototypes.
enum DistillationMonitor {
    /// - Parameters:
    ///   - targets: the teacher's distributions, `[R, K]`.
    ///   - loss: the mean cross entropy of the student's with them.
    ///   - center: of the teacher's logits.
    ///   - isBalanced: whether the targets use all prototypes by construction, as those of Sinkhorn and
    ///     Knopp do; then their number says nothing and is left out.
    ///   - prefix: of the names.
    /// - Returns: `teacher_entropy`, the mean entropy of targets as a part of log K; `teacher_kl`, what
    ///   the student's distributions differ by; `prototypes_used`, e to the entropy of the mean target, 1
    ///   where all pictures have one prototype and K at most; `center_norm`, the centre's length.
    static func values(
        of targets: Tensor, loss: Tensor, center: Tensor, isBalanced: Bool = false, prefix: String
    ) -> [(name: String, value: Tensor)] {
        noGrad {
            let entropy = entropy(targets).mean()
            var values = [
                ("teacher_entropy", entropy / log(Double(max(targets.shape[1], 2)))),
                ("teacher_kl", loss - entropy), ("center_norm", center.norm()),
            ]
            if !isBalanced {
                let used = Self.entropy(targets.mean(0, keepDim: true)).mean().exp()
                values.insert(("prototypes_used", used), at: 2)
            }
            return values.map { (prefix + $0.0, $0.1) }
        }
    }

    /// −Σ p log p of each row.
    private static func entropy(_ probabilities: Tensor) -> Tensor {
        -(probabilities * probabilities.clamped(min: 1e-30).log()).sum(-1)
    }
}
