enum Comparison {
    static let eq = Op("aten::eq.Tensor")
    static let eqScalar = Op("aten::eq.Scalar")
    static let gtScalar = Op("aten::gt.Scalar")
    static let geScalar = Op("aten::ge.Scalar")
    static let ltScalar = Op("aten::lt.Scalar")
    static let ltTensor = Op("aten::lt.Tensor")
    static let logicalNot = Op("aten::logical_not")
    static let logicalAnd = Op("aten::logical_and")
    static let isFinite = Op("aten::isfinite")
    static let all = Op("aten::all")
    static let any = Op("aten::any")
    static let equal = Op("aten::equal")
    static let `where` = Op("aten::where.self")
    static let argsort = Op("aten::argsort")
    static let argsortStable = Op("aten::argsort.stable")
    static let topk = Op("aten::topk")
    static let argmax = Op("aten::argmax")
    static let max = Op("aten::max.dim")
    static let min = Op("aten::min.dim")
}

extension Tensor {
    public static func .== (a: Tensor, b: Tensor) -> Tensor {
        Comparison.eq(.tensor(a), .tensor(b))
    }
    public static func .== (a: Tensor, b: Double) -> Tensor {
        Comparison.eqScalar(.tensor(a), .double(b))
    }
    public static func .> (a: Tensor, b: Double) -> Tensor {
        Comparison.gtScalar(.tensor(a), .double(b))
    }
    public static func .>= (a: Tensor, b: Double) -> Tensor {
        Comparison.geScalar(.tensor(a), .double(b))
    }
    public static func .< (a: Tensor, b: Double) -> Tensor {
        Comparison.ltScalar(.tensor(a), .double(b))
    }
    public static func .< (a: Tensor, b: Tensor) -> Tensor {
        Comparison.ltTensor(.tensor(a), .tensor(b))
    }
    public static func .& (a: Tensor, b: Tensor) -> Tensor {
        Comparison.logicalAnd(.tensor(a), .tensor(b))
    }
    public static prefix func .! (a: Tensor) -> Tensor { Comparison.logicalNot(.tensor(a)) }

    /// Where each element is neither infinite nor NaN.
    public func isFinite() -> Tensor { Comparison.isFinite(.tensor(self)) }

    /// Whether every element is true; waits for a GPU.
    public var allTrue: Bool { Comparison.all(.tensor(self)).item != 0 }

    /// Whether any element is true; waits for a GPU.
    public var anyTrue: Bool { Comparison.any(.tensor(self)).item != 0 }

    /// Whether both have the same shape and the same elements.
    public func isEqual(to other: Tensor) -> Bool {
        Comparison.equal.scalar(.tensor(self), .tensor(other)) != 0
    }

    /// `a` where the condition, this tensor, is true, else `b`.
    public func select(_ a: Tensor, else b: Tensor) -> Tensor {
        Comparison.where(.tensor(self), .tensor(a), .tensor(b))
    }

    /// The indices that sort the dimension; equal elements keep no particular order.
    public func argsort(_ dim: Int = -1, descending: Bool = false) -> Tensor {
        Comparison.argsort(.tensor(self), .int(dim), .bool(descending))
    }

    /// The indices that sort the dimension; equal elements stay in their order.
    public func stableArgsort(_ dim: Int = -1, descending: Bool = false) -> Tensor {
        Comparison.argsortStable(.tensor(self), .bool(true), .int(dim), .bool(descending))
    }

    /// The `k` largest (or smallest) elements along the dimension, sorted, and their indices.
    public func topK(_ k: Int, _ dim: Int = -1, largest: Bool = true) -> (
        values: Tensor, indices: Tensor
    ) {
        Comparison.topk.pair(.tensor(self), .int(k), .int(dim), .bool(largest), .bool(true))
    }

    /// The index of the largest element along the dimension.
    public func argmax(_ dim: Int, keepDim: Bool = false) -> Tensor {
        Comparison.argmax(.tensor(self), .int(dim), .bool(keepDim))
    }

    /// The largest element along the dimension, and its index.
    public func max(_ dim: Int, keepDim: Bool = false) -> (values: Tensor, indices: Tensor) {
        Comparison.max.pair(.tensor(self), .int(dim), .bool(keepDim))
    }

    /// The smallest element along the dimension, and its index.
    public func min(_ dim: Int, keepDim: Bool = false) -> (values: Tensor, indices: Tensor) {
        Comparison.min.pair(.tensor(self), .int(dim), .bool(keepDim))
    }
}
