public import Torch

/// Random masking of MAE: He et al., *Masked Autoencoders Are Scalable Vision Learners* (2022).
///
/// 1. a uniform number for each patch                     (section 3, "Masking")
/// 2. sort the patches by it, keep the first ⌊N (1 − r)⌋, in the sorted order
/// 3. remember where each patch went, to put the decoder's tokens back
///
/// Shapes: B pictures, N patches, K kept.
public struct RandomMask {
    /// The patches in the order of their noise, kept ones before removed ones, `[B, N]` int64.
    public let order: Tensor
    /// K, the patches that are kept of each picture.
    public let keptCount: Int

    /// The kept patches in the order of their noise, `[B, K]` int64.
    public var kept: Tensor { order[0..., ..<keptCount] }
    /// The removed patches in the order of their noise, `[B, N − K]` int64.
    public var removed: Tensor { order[0..., keptCount...] }
    /// For each patch its place among kept then removed ones, `[B, N]` int64.
    public var restore: Tensor { order.argsort(1) }
    /// 1 where a patch was removed, else 0, `[B, N]` float32.
    public var dropped: Tensor { (restore .>= Double(keptCount)).to(dtype: .float32) }
    /// Patches that were removed from each picture.
    public var gapCount: Int { order.shape2.1 - keptCount }

    /// How many of `count` patches are kept: the whole part of count · (1 − ratio) in float64.
    public static func keptCount(of count: Int, ratio: Double) -> Int {
        Int(Double(count) * (1 - ratio))
    }

    /// Masks by noise `[B, N]`, the largest values being removed.
    ///
    /// - Parameters:
    ///   - noise: one number a patch.
    ///   - ratio: the part that is removed; at least one patch must remain.
    public init(noise: Tensor, ratio: Double) {
        let (_, patches) = noise.shape2
        keptCount = Self.keptCount(of: patches, ratio: ratio)
        require(
            (1...patches).contains(keptCount),
            "RandomMask: kept \(keptCount) of \(patches) patches at ratio \(ratio)")
        order = noise.argsort(1)
    }

    /// Masks the patches of a batch; the same picture in the same epoch gets the same mask.
    public init(_ batch: ImageBatch, patches: Int, ratio: Double) {
        self.init(noise: batch.uniform(.mask, patches), ratio: ratio)
    }
}
