enum Arithmetic {
    static let add = Op("aten::add.Tensor")
    static let addScalar = Op("aten::add.Scalar")
    static let sub = Op("aten::sub.Tensor")
    static let subScalar = Op("aten::sub.Scalar")
    static let rsub = Op("aten::rsub.Scalar")
    static let mul = Op("aten::mul.Tensor")
    static let mulScalar = Op("aten::mul.Scalar")
    static let div = Op("aten::div.Tensor")
    static let divScalar = Op("aten::div.Scalar")
    static let reciprocal = Op("aten::reciprocal")
    static let neg = Op("aten::neg")
    static let matmul = Op("aten::matmul")
    static let sqrt = Op("aten::sqrt")
    static let exp = Op("aten::exp")
    static let log = Op("aten::log")
    static let sin = Op("aten::sin")
    static let cos = Op("aten::cos")
    static let tanh = Op("aten::tanh")
    static let abs = Op("aten::abs")
    static let floor = Op("aten::floor")
    static let square = Op("aten::square")
    static let sign = Op("aten::sign")
    static let pow = Op("aten::pow.Tensor_Scalar")
    static let clamp = Op("aten::clamp")
    static let maximum = Op("aten::maximum")
    static let minimum = Op("aten::minimum")
    static let addInPlace = Op("aten::add_.Tensor")
    static let mulInPlace = Op("aten::mul_.Tensor")
    static let mulScalarInPlace = Op("aten::mul_.Scalar")
    static let lerpInPlace = Op("aten::lerp_.Scalar")
    static let addProductInPlace = Op("aten::addmm_")
}

extension Tensor {
    public static func + (a: Tensor, b: Tensor) -> Tensor { Arithmetic.add(.tensor(a), .tensor(b)) }
    public static func - (a: Tensor, b: Tensor) -> Tensor { Arithmetic.sub(.tensor(a), .tensor(b)) }
    public static func * (a: Tensor, b: Tensor) -> Tensor { Arithmetic.mul(.tensor(a), .tensor(b)) }
    public static func / (a: Tensor, b: Tensor) -> Tensor { Arithmetic.div(.tensor(a), .tensor(b)) }

    // Numbers are passed as such, never made into tensors: that keeps the tensor's type.
    public static func + (a: Tensor, b: Double) -> Tensor {
        Arithmetic.addScalar(.tensor(a), .double(b))
    }
    public static func - (a: Tensor, b: Double) -> Tensor {
        Arithmetic.subScalar(.tensor(a), .double(b))
    }
    public static func * (a: Tensor, b: Double) -> Tensor {
        Arithmetic.mulScalar(.tensor(a), .double(b))
    }
    public static func / (a: Tensor, b: Double) -> Tensor {
        Arithmetic.divScalar(.tensor(a), .double(b))
    }
    public static func + (a: Double, b: Tensor) -> Tensor { b + a }
    public static func * (a: Double, b: Tensor) -> Tensor { b * a }
    public static func - (a: Double, b: Tensor) -> Tensor {
        Arithmetic.rsub(.tensor(b), .double(a))
    }
    public static func / (a: Double, b: Tensor) -> Tensor {
        Arithmetic.reciprocal(.tensor(b)) * a
    }
    public static prefix func - (a: Tensor) -> Tensor { Arithmetic.neg(.tensor(a)) }

    /// The matrix product over the last two dimensions; the others are broadcast.
    public func matmul(_ other: Tensor) -> Tensor {
        Arithmetic.matmul(.tensor(self), .tensor(other))
    }

    public func sqrt() -> Tensor { Arithmetic.sqrt(.tensor(self)) }
    public func exp() -> Tensor { Arithmetic.exp(.tensor(self)) }
    public func log() -> Tensor { Arithmetic.log(.tensor(self)) }
    public func sin() -> Tensor { Arithmetic.sin(.tensor(self)) }
    public func cos() -> Tensor { Arithmetic.cos(.tensor(self)) }
    public func tanh() -> Tensor { Arithmetic.tanh(.tensor(self)) }
    public func abs() -> Tensor { Arithmetic.abs(.tensor(self)) }
    public func floor() -> Tensor { Arithmetic.floor(.tensor(self)) }
    public func squared() -> Tensor { Arithmetic.square(.tensor(self)) }
    public func sign() -> Tensor { Arithmetic.sign(.tensor(self)) }
    public func pow(_ exponent: Double) -> Tensor {
        Arithmetic.pow(.tensor(self), .double(exponent))
    }

    /// Each element, or the nearer bound where it lies outside.
    public func clamped(min: Double? = nil, max: Double? = nil) -> Tensor {
        Arithmetic.clamp(.tensor(self), .optional(min), .optional(max))
    }

    /// The larger of each pair of elements.
    public func maximum(_ other: Tensor) -> Tensor {
        Arithmetic.maximum(.tensor(self), .tensor(other))
    }

    /// The smaller of each pair of elements.
    public func minimum(_ other: Tensor) -> Tensor {
        Arithmetic.minimum(.tensor(self), .tensor(other))
    }

    /// Adds `other · scale` to the elements.
    public func addInPlace(_ other: Tensor, scale: Double = 1) {
        // Whole numbers take no fractional scale, not even 1.0.
        guard scale != 1 else { return Arithmetic.addInPlace.run(.tensor(self), .tensor(other)) }
        Arithmetic.addInPlace.run(.tensor(self), .tensor(other), .double(scale))
    }

    public func multiplyInPlace(by factor: Double) {
        Arithmetic.mulScalarInPlace.run(.tensor(self), .double(factor))
    }

    public func multiplyInPlace(by factor: Tensor) {
        Arithmetic.mulInPlace.run(.tensor(self), .tensor(factor))
    }

    /// Adds the product of two matrices to a share of the elements: x ← kept · x + a b, for x `[N, K]`, a
    /// `[N, D]` and b `[D, K]`.
    public func addProductInPlace(_ a: Tensor, _ b: Tensor, keeping kept: Double = 1) {
        Arithmetic.addProductInPlace.run(
            .tensor(self), .tensor(a), .tensor(b), .double(kept), .double(1))
    }

    /// Moves the elements towards those of `target`: x += (target − x) · weight.
    public func interpolateInPlace(towards target: Tensor, weight: Double) {
        Arithmetic.lerpInPlace.run(.tensor(self), .tensor(target), .double(weight))
    }
}
