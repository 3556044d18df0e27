public import Torch

/// Random masking of MAE: He et al., *Masked Autoencoders Are Scalable Vision Learners* (2022).
///
/// 1. a uniform number for each patch                     (section 3, "Masking")
/// 2. sort the patches by it, keep the first ⌊N (1 − r)⌋, in the sorted order
/// 3. remember where each patch went, to put the decoder's tokens back
///
/// Shapes: B pictures, N patches, K kept.
public struct RandomMask {
    /// The kept patches in the order of their noise, `[B, K]` int64.
    public let kept: Tensor
    /// 1 where a patch was removed, else 0, `[B, N]` float32.
    public let dropped: Tensor
    /// For each patch its place among kept then dropped ones, `[B, N]` int64.
    public let restore: Tensor

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
        let count = Self.keptCount(of: patches, ratio: ratio)
        require(
            (1...patches).contains(count),
            "RandomMask: kept \(count) of \(patches) patches at ratio \(ratio)")
        let shuffle = noise.argsort(1)
        restore = shuffle.argsort(1)
        kept = shuffle[0..., ..<count].contiguous()
        dropped = (restore .>= Double(count)).to(dtype: .float32)
    }

    /// Masks the patches of a batch; the same picture in the same epoch gets the same mask.
    public init(_ batch: ImageBatch, patches: Int, ratio: Double) {
        self.init(noise: batch.uniform(.mask, patches), ratio: ratio)
    }

    /// Patches that were removed from each picture.
    public var gapCount: Int { restore.shape2.1 - kept.shape2.1 }
}
