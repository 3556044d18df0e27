/// Operators on the planes of pictures and of their features, `[B, C, H, W]`.
enum Planes {
    static let averagePool = Op("aten::avg_pool2d")
    static let maxPool = Op("aten::max_pool2d")
    static let pad = Op("aten::constant_pad_nd")
    static let nearest = Op("aten::upsample_nearest2d")
}

extension Tensor {
    /// The means of the whole squares of `size` pixels: `[B, C, H, W]` to `[B, C, H/size, W/size]`.
    public func averagePooled(_ size: Int) -> Tensor { averagePooled(size, stride: size) }

    /// The means of the squares of `size` pixels, `stride` apart and whole.
    public func averagePooled(_ size: Int, stride: Int) -> Tensor {
        Planes.averagePool(.tensor(self), .ints([size, size]), .ints([stride, stride]))
    }

    /// The largest of each whole square of `size` pixels: `[B, C, H, W]` to
    /// `[B, C, H/size, W/size]`.
    public func maxPooled(_ size: Int) -> Tensor {
        Planes.maxPool(.tensor(self), .ints([size, size]))
    }

    /// Zeros behind the last elements: `counts[0]` of them in the last dimension, `counts[1]` in the
    /// one before it, and so on.
    public func paddedBehind(_ counts: Int...) -> Tensor {
        Planes.pad(.tensor(self), .ints(counts.flatMap { [0, $0] }))
    }

    /// Each pixel of `[B, C, H, W]` repeated to a square of `factor` pixels.
    public func enlarged(_ factor: Int) -> Tensor {
        let (_, _, height, width) = shape4
        return Planes.nearest(.tensor(self), .ints([height * factor, width * factor]))
    }
}
