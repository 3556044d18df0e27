public import Torch

/// Limits on the length of gradients.
///
/// No function waits for a GPU: norms are tensors, and the factors are made of them where they lie.
public enum GradientClipping {
    /// The Euclidean norm of all gradients together, a scalar tensor of fp32.
    public static func globalNorm(_ gradients: [Tensor]) -> Tensor {
        guard let first = gradients.first else { return Tensor.zeros([]) }
        guard gradients.count > 1 else { return first.norm() }
        return stacked(Foreach.norms(gradients)).norm()
    }

    /// Shortens all gradients by one factor so that their global norm is at most `maximum`.
    ///
    /// The factor is maximum / (norm + 1e-6), at most 1.
    ///
    /// - Parameters:
    ///   - gradients: changed.
    ///   - maximum: above 0.
    ///   - norm: theirs, where it is known.
    /// - Returns: the norm before.
    @discardableResult
    public static func clipInPlace(
        _ gradients: [Tensor], toGlobalNorm maximum: Double, of norm: Tensor? = nil
    ) -> Tensor {
        let norm = norm ?? globalNorm(gradients)
        Foreach.multiplyInPlace(gradients, by: factor(norm, maximum))
        return norm
    }

    /// Shortens each gradient by itself so that its norm is at most `maximum`, as DINO and iBOT do.
    ///
    /// - Returns: the norms before.
    @discardableResult
    public static func clipEachInPlace(_ gradients: [Tensor], toNorm maximum: Double) -> [Tensor] {
        let norms = Foreach.norms(gradients)
        for (gradient, norm) in zip(gradients, norms) {
            gradient.multiplyInPlace(by: factor(norm, maximum))
        }
        return norms
    }

    /// 1 where a norm is infinite or NaN, else 0: what `Optimizer.step` skips a step by.
    public static func isNonFinite(_ norm: Tensor) -> Tensor {
        (.!norm.isFinite()).to(dtype: .float32)
    }

    private static func factor(_ norm: Tensor, _ maximum: Double) -> Tensor {
        (maximum / (norm + 1e-6)).clamped(max: 1)
    }
}
