enum Creation {
    static let empty = Op("aten::empty.memory_format")
    static let full = Op("aten::full")
    static let arange = Op("aten::arange.start_step")
    static let linspace = Op("aten::linspace")
    static let eye = Op("aten::eye")
    static let zerosLike = Op("aten::zeros_like")
    static let emptyLike = Op("aten::empty_like")
    static let rand = Op("aten::rand.generator")
    static let randn = Op("aten::randn.generator")
    static let randperm = Op("aten::randperm.generator")
    static let uniformInPlace = Op("aten::uniform_")
    static let normalInPlace = Op("aten::normal_")
}

extension Tensor {
    /// Memory whose contents are whatever was there.
    public static func empty(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) -> Tensor {
        Creation.empty(.ints(shape), .dtype(dtype), .none, .device(device))
    }

    /// Memory on the CPU that is page-locked, which a GPU reads without the CPU.
    ///
    /// Whoever lets go of it before the GPU has read it need not care: libtorch keeps it until then.
    public static func emptyPinned(_ shape: [Int], dtype: DType) -> Tensor {
        Creation.empty(.ints(shape), .dtype(dtype), .none, .device(.cpu), .bool(true))
    }

    public static func zeros(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) -> Tensor {
        full(shape, 0, dtype: dtype, device: device)
    }

    public static func ones(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) -> Tensor {
        full(shape, 1, dtype: dtype, device: device)
    }

    public static func full(
        _ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu
    ) -> Tensor {
        Creation.full(.ints(shape), .double(value), .dtype(dtype), .none, .device(device))
    }

    /// The whole numbers of `range`, or every `step`-th of them.
    public static func range(
        _ range: Range<Int>, by step: Int = 1, dtype: DType = .int64, device: Device = .cpu
    ) -> Tensor {
        Creation.arange(
            .int(range.lowerBound), .int(range.upperBound), .int(step), .dtype(dtype), .none,
            .device(device))
    }

    /// `count` numbers from `first` to `last`, both included, at equal distances.
    public static func linspace(
        _ first: Double, _ last: Double, count: Int, dtype: DType = .float32
    ) -> Tensor {
        Creation.linspace(.double(first), .double(last), .int(count), .dtype(dtype))
    }

    /// The identity matrix of `size` rows.
    public static func identity(
        _ size: Int, dtype: DType = .float32, device: Device = .cpu
    ) -> Tensor {
        Creation.eye(.int(size), .dtype(dtype), .none, .device(device))
    }

    /// Zeros of the shape, type and device of another tensor.
    public static func zeros(like other: Tensor) -> Tensor { Creation.zerosLike(.tensor(other)) }

    /// Uninitialised memory of the shape, type and device of another tensor.
    public static func empty(like other: Tensor) -> Tensor { Creation.emptyLike(.tensor(other)) }

    /// Independent draws from the uniform distribution on [0, 1).
    public static func uniform(
        _ shape: [Int], generator: Generator?, dtype: DType = .float32, device: Device = .cpu
    ) -> Tensor {
        Creation.rand(
            .ints(shape), .optional(generator), .dtype(dtype), .none, .device(device))
    }

    /// Independent draws from the standard normal distribution.
    public static func normal(
        _ shape: [Int], generator: Generator?, dtype: DType = .float32, device: Device = .cpu
    ) -> Tensor {
        Creation.randn(
            .ints(shape), .optional(generator), .dtype(dtype), .none, .device(device))
    }

    /// The numbers 0 ..< count in random order.
    public static func permutation(_ count: Int, generator: Generator?) -> Tensor {
        Creation.randperm(.int(count), .optional(generator), .dtype(.int64))
    }

    /// Overwrites the elements with draws from the uniform distribution on [low, high).
    public func fillUniformInPlace(_ low: Double, _ high: Double, generator: Generator?) {
        Creation.uniformInPlace.run(
            .tensor(self), .double(low), .double(high), .optional(generator))
    }

    /// Overwrites the elements with draws from a normal distribution.
    public func fillNormalInPlace(mean: Double = 0, std: Double, generator: Generator?) {
        Creation.normalInPlace.run(
            .tensor(self), .double(mean), .double(std), .optional(generator))
    }
}
