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
    ///   - prefix: of the names.
    /// - Returns: `teacher_entropy`, the mean entropy of targets as a part of log K; `teacher_kl`, what
    ///   the student's distributions differ by; `prototypes_used`, e to the entropy of the mean target, 1
    ///   where all pictures have one prototype and K at most; `center_norm`, the centre's length.
    static func values(
        of targets: Tensor, loss: Tensor, center: Tensor, prefix: String
    ) -> [(name: String, value: Tensor)] {
        noGrad {
            let entropy = entropy(targets).mean()
            let used = Self.entropy(targets.mean(0, keepDim: true)).mean().exp()
            return [
                ("teacher_entropy", entropy / log(Double(max(targets.shape[1], 2)))),
                ("teacher_kl", loss - entropy), ("prototypes_used", used),
                ("center_norm", center.norm()),
            ].map { (prefix + $0.0, $0.1) }
        }
    }

    /// −Σ p log p of each row.
    private static func entropy(_ probabilities: Tensor) -> Tensor {
        -(probabilities * probabilities.clamped(min: 1e-30).log()).sum(-1)
    }
}
