import NN
public import Torch

extension VisionTransformer {
    /// Every patch after the blocks and the final norm, be it `norm` or `fc_norm`: `[B, C, H, W]` to
    /// `[B, N, D]`.
    ///
    /// Models that pool before `fc_norm` apply it to the mean alone; tokenizers such as VQ-KD's apply
    /// it to the patches.
    public func patchFeatures(_ images: Tensor) -> Tensor {
        let patches = encode(tokens(images), at: attentionPositions(of: images))[
            0..., extraTokens...]
        return fcNorm.map { $0(patches) } ?? patches
    }
}
