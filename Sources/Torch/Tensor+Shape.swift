enum Shape {
    static let reshape = Op("aten::reshape")
    static let flatten = Op("aten::flatten.using_ints")
    static let permute = Op("aten::permute")
    static let transpose = Op("aten::transpose.int")
    static let squeeze = Op("aten::squeeze.dim")
    static let unsqueeze = Op("aten::unsqueeze")
    static let expand = Op("aten::expand")
    static let cat = Op("aten::cat")
    static let stack = Op("aten::stack")
    static let split = Op("aten::split_with_sizes")
    static let chunk = Op("aten::chunk")
    static let unbind = Op("aten::unbind.int")
    static let flip = Op("aten::flip")
    static let roll = Op("aten::roll")
    static let `repeat` = Op("aten::repeat")
}

extension Tensor {
    /// The same elements in another shape; one length may be -1 and is worked out.
    public func reshaped(_ shape: Int...) -> Tensor { reshaped(shape) }

    /// The same elements in another shape; one length may be -1 and is worked out.
    public func reshaped(_ shape: [Int]) -> Tensor { Shape.reshape(.tensor(self), .ints(shape)) }

    /// Dimensions `first` to `last`, both included, as one.
    public func flattened(_ first: Int = 0, _ last: Int = -1) -> Tensor {
        Shape.flatten(.tensor(self), .int(first), .int(last))
    }

    /// The dimensions in another order.
    public func permuted(_ dims: Int...) -> Tensor { Shape.permute(.tensor(self), .ints(dims)) }

    /// Two dimensions exchanged.
    public func transposed(_ a: Int = -2, _ b: Int = -1) -> Tensor {
        Shape.transpose(.tensor(self), .int(a), .int(b))
    }

    /// Without a dimension of length 1.
    public func squeezed(_ dim: Int) -> Tensor { Shape.squeeze(.tensor(self), .int(dim)) }

    /// With a new dimension of length 1 before `dim`.
    public func unsqueezed(_ dim: Int) -> Tensor { Shape.unsqueeze(.tensor(self), .int(dim)) }

    /// Dimensions of length 1 repeated without a copy; -1 leaves a length as it is.
    public func expanded(_ shape: [Int]) -> Tensor { Shape.expand(.tensor(self), .ints(shape)) }

    /// Copies side by side, `counts` times along each dimension.
    public func tiled(_ counts: Int...) -> Tensor { Shape.repeat(.tensor(self), .ints(counts)) }

    /// Consecutive pieces of the given lengths along a dimension, which they fill.
    public func split(sizes: [Int], _ dim: Int) -> [Tensor] {
        Shape.split.tensors(
            .tensor(self), .ints(sizes), .int(dim), capacity: Swift.max(sizes.count, 1)
        ).compactMap { $0 }
    }

    /// `count` pieces of equal length along a dimension.
    public func chunks(_ count: Int, _ dim: Int) -> [Tensor] {
        Shape.chunk.tensors(.tensor(self), .int(count), .int(dim), capacity: count)
            .compactMap { $0 }
    }

    /// The slices along a dimension, which is removed.
    public func unbound(_ dim: Int = 0) -> [Tensor] {
        let length = shape[dim < 0 ? dim + rank : dim]
        return Shape.unbind.tensors(.tensor(self), .int(dim), capacity: Swift.max(length, 1))
            .compactMap { $0 }
    }

    public func flipped(_ dims: Int...) -> Tensor { Shape.flip(.tensor(self), .ints(dims)) }

    /// The elements moved along dimensions; those that leave at one end enter at the other.
    public func rolled(_ shifts: [Int], _ dims: [Int]) -> Tensor {
        Shape.roll(.tensor(self), .ints(shifts), .ints(dims))
    }
}

/// Tensors joined along an existing dimension.
public func concatenated(_ tensors: [Tensor], _ dim: Int) -> Tensor {
    Shape.cat(.tensors(tensors), .int(dim))
}

/// Tensors of one shape joined along a new dimension.
public func stacked(_ tensors: [Tensor], _ dim: Int = 0) -> Tensor {
    Shape.stack(.tensors(tensors), .int(dim))
}
