enum ForeachOp {
    static let norm = Op("aten::_foreach_norm.Scalar")
    static let mulScalarInPlace = Op("aten::_foreach_mul_.Scalar")
    static let mulTensorInPlace = Op("aten::_foreach_mul_.Tensor")
    static let addListInPlace = Op("aten::_foreach_add_.List")
    static let lerpInPlace = Op("aten::_foreach_lerp_.Scalar")
    static let copyInPlace = Op("aten::_foreach_copy_")
    static let zeroInPlace = Op("aten::_foreach_zero_")
    static let checkAndUnscale = Op("aten::_amp_foreach_non_finite_check_and_unscale_")
    static let updateScale = Op("aten::_amp_update_scale_")
    static let fusedAdamW = Op("aten::_fused_adamw_")
}

/// Operators on lists of tensors: one call instead of one for each parameter.
public enum Foreach {
    /// The Euclidean norms.
    public static func norms(_ tensors: [Tensor]) -> [Tensor] {
        guard !tensors.isEmpty else { return [] }
        return ForeachOp.norm.tensors(.tensors(tensors), .double(2), capacity: tensors.count)
            .compactMap { $0 }
    }

    public static func multiplyInPlace(_ tensors: [Tensor], by factor: Double) {
        guard !tensors.isEmpty else { return }
        ForeachOp.mulScalarInPlace.run(.tensors(tensors), .double(factor))
    }

    /// All multiplied by one scalar tensor, without waiting for its value.
    public static func multiplyInPlace(_ tensors: [Tensor], by factor: Tensor) {
        guard !tensors.isEmpty else { return }
        ForeachOp.mulTensorInPlace.run(.tensors(tensors), .tensor(factor))
    }

    /// Adds `others · scale` to the tensors.
    public static func addInPlace(_ tensors: [Tensor], _ others: [Tensor], scale: Double = 1) {
        guard !tensors.isEmpty else { return }
        ForeachOp.addListInPlace.run(.tensors(tensors), .tensors(others), .double(scale))
    }

    /// Moves the tensors towards `targets`: x += (target − x) · weight.
    public static func interpolateInPlace(
        _ tensors: [Tensor], towards targets: [Tensor], weight: Double
    ) {
        guard !tensors.isEmpty else { return }
        ForeachOp.lerpInPlace.run(.tensors(tensors), .tensors(targets), .double(weight))
    }

    public static func copyInPlace(_ tensors: [Tensor], from sources: [Tensor]) {
        guard !tensors.isEmpty else { return }
        ForeachOp.copyInPlace.run(.tensors(tensors), .tensors(sources))
    }

    public static func zeroInPlace(_ tensors: [Tensor]) {
        guard !tensors.isEmpty else { return }
        ForeachOp.zeroInPlace.run(.tensors(tensors))
    }

    /// Multiplies gradients by `inverseScale` and sets `foundNonFinite` to 1 where any is not
    /// finite; both are scalar tensors of fp32.
    public static func unscaleInPlace(
        _ gradients: [Tensor], foundNonFinite: Tensor, inverseScale: Tensor
    ) {
        guard !gradients.isEmpty else { return }
        ForeachOp.checkAndUnscale.run(
            .tensors(gradients), .tensor(foundNonFinite), .tensor(inverseScale))
    }

    /// The rule of dynamic loss scaling: `scale` × backoff after a non-finite step, × growth after
    /// `interval` good ones in a row, which `tracker` (int32) counts.
    public static func updateLossScaleInPlace(
        _ scale: Tensor, tracker: Tensor, foundNonFinite: Tensor, growth: Double, backoff: Double,
        interval: Int
    ) {
        ForeachOp.updateScale.run(
            .tensor(scale), .tensor(tracker), .tensor(foundNonFinite), .double(growth),
            .double(backoff), .int(interval))
    }

    /// One step of AdamW on every parameter by libtorch's fused kernel.
    ///
    /// Loshchilov and Hutter, *Decoupled Weight Decay Regularization* (2019). `steps` holds the
    /// number of this step, counted from 1, as one fp32 scalar a parameter. Where the fp32 scalar
    /// `foundNonFinite` is 1 nothing is changed.
    public static func adamWInPlace(
        _ parameters: [Tensor], gradients: [Tensor], averages: [Tensor], squares: [Tensor],
        steps: [Tensor], learningRate: Double, beta1: Double, beta2: Double, weightDecay: Double,
        eps: Double, foundNonFinite: Tensor? = nil
    ) {
        guard !parameters.isEmpty else { return }
        ForeachOp.fusedAdamW.run(
            .tensors(parameters), .tensors(gradients), .tensors(averages), .tensors(squares),
            .tensors([]), .tensors(steps), .double(learningRate), .double(beta1), .double(beta2),
            .double(weightDecay), .double(eps), .bool(false), .bool(false), .none,
            .optional(foundNonFinite))
    }
}
