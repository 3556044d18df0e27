enum Reduction {
    static let amax = Op("aten::amax")
    static let sum = Op("aten::sum")
    static let sumDim = Op("aten::sum.dim_IntList")
    static let mean = Op("aten::mean")
    static let meanDim = Op("aten::mean.dim")
    static let variance = Op("aten::var.correction")
    static let maxAll = Op("aten::max")
    static let minAll = Op("aten::min")
    static let norm = Op("aten::linalg_vector_norm")
    static let logSumExp = Op("aten::logsumexp")
}

extension Tensor {
    public func sum() -> Tensor { Reduction.sum(.tensor(self)) }

    public func sum(_ dims: Int..., keepDim: Bool = false) -> Tensor {
        Reduction.sumDim(.tensor(self), .ints(dims), .bool(keepDim))
    }

    public func mean() -> Tensor { Reduction.mean(.tensor(self)) }

    public func mean(_ dims: Int..., keepDim: Bool = false) -> Tensor {
        Reduction.meanDim(.tensor(self), .ints(dims), .bool(keepDim))
    }

    /// The variance along dimensions.
    ///
    /// `correction` is what is taken off the count in the divisor: 1 for the unbiased estimate (the
    /// default, as in PyTorch), 0 for the mean of squares.
    public func variance(_ dims: Int..., correction: Int = 1, keepDim: Bool = false) -> Tensor {
        Reduction.variance(.tensor(self), .ints(dims), .int(correction), .bool(keepDim))
    }

    /// The largest elements along a dimension, which is removed, without their places.
    public func maximum(over dim: Int) -> Tensor { Reduction.amax(.tensor(self), .ints([dim])) }

    public func max() -> Tensor { Reduction.maxAll(.tensor(self)) }
    public func min() -> Tensor { Reduction.minAll(.tensor(self)) }

    /// The Euclidean norm of all elements.
    public func norm() -> Tensor { Reduction.norm(.tensor(self)) }

    /// The Euclidean norm along a dimension.
    public func norm(_ dim: Int, keepDim: Bool = false) -> Tensor {
        Reduction.norm(.tensor(self), .double(2), .ints([dim]), .bool(keepDim))
    }

    /// log Σ exp along a dimension.
    public func logSumExp(_ dim: Int, keepDim: Bool = false) -> Tensor {
        Reduction.logSumExp(.tensor(self), .ints([dim]), .bool(keepDim))
    }

    /// The vectors along a dimension at unit length: x / max(‖x‖, eps).
    public func normalized(_ dim: Int = -1, eps: Double = 1e-12) -> Tensor {
        self / norm(dim, keepDim: true).clamped(min: eps)
    }
}
