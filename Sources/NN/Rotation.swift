public import Torch

/// Rotary position embedding: pairs of channels of queries and keys turned by angles that depend on
/// the place of the token.
///
/// Su et al., *RoFormer: Enhanced Transformer with Rotary Position Embedding* (2021), equation 34. The
/// product of a query and a key then depends on the difference of their places alone.
public struct Rotation {
    /// Which channels of a head turn together.
    public enum Pairing: Sendable {
        /// Channel i with i + d/2.
        case halves
        /// Channel 2i with 2i + 1.
        case neighbors
    }

    package let cosines: Tensor  // [N, d] or [B, 1, N, d]
    package let sines: Tensor  // the same
    let pairing: Pairing

    /// A rotation of the last N tokens of a sequence; those before them have no place.
    ///
    /// - Parameters:
    ///   - angles: `[N, d/2]`, the angle of each pair of channels; `[B, 1, N, d/2]` where each
    ///     sequence has its own.
    ///   - pairing: which channels they are.
    public init(angles: Tensor, pairing: Pairing) {
        let all =
            switch pairing {
            case .halves: concatenated([angles, angles], -1)
            case .neighbors: stacked([angles, angles], -1).flattened(-2)
            }
        self.init(cosines: all.cos(), sines: all.sin(), pairing: pairing)
    }

    private init(cosines: Tensor, sines: Tensor, pairing: Pairing) {
        (self.cosines, self.sines, self.pairing) = (cosines, sines, pairing)
    }

    /// The same on a device.
    public func moved(to device: Device) -> Rotation {
        Rotation(cosines: cosines.to(device), sines: sines.to(device), pairing: pairing)
    }

    /// Queries or keys `[B, H, T, d]`, turned.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        let extra = x.shape[2] - cosines.shape[cosines.rank - 2]
        let patches = extra > 0 ? x[0..., 0..., extra...] : x  // [B, H, N, d]
        let turned =
            patches * cosines.to(dtype: x.dtype) + quarterTurn(patches) * sines.to(dtype: x.dtype)
        return extra > 0 ? concatenated([x[0..., 0..., ..<extra], turned], 2) : turned
    }

    /// Each pair (a, b) as (−b, a).
    private func quarterTurn(_ x: Tensor) -> Tensor {
        switch pairing {
        case .halves:
            let parts = x.chunks(2, -1)
            return concatenated([-parts[1], parts[0]], -1)
        case .neighbors:
            let parts = x.reshaped(Array(x.shape.dropLast()) + [-1, 2]).unbound(-1)
            return stacked([-parts[1], parts[0]], -1).flattened(-2)
        }
    }
}
