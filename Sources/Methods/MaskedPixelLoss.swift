public import Torch

/// The loss of Xie et al., *SimMIM: a Simple Framework for Masked Image Modeling* (2022), section 3.4:
/// the mean distance of predicted and true pixels where patches were masked.
///
/// L = Σ |x − x̂| · m / (Σ m + 10⁻⁵) / C, with m = 1 on the pixels of masked patches.
public enum MaskedPixelLoss {
    /// - Parameters:
    ///   - predicted: x̂, `[B, C, H, W]`.
    ///   - images: x, the same shape.
    ///   - mask: `[B, rows, columns]`, 1 or true for masked patches; H is a multiple of the rows, W of
    ///     the columns.
    /// - Returns: a scalar.
    public static func l1(_ predicted: Tensor, _ images: Tensor, mask: Tensor) -> Tensor {
        let pixels = pixels(of: mask, in: images).to(dtype: predicted.dtype)
        let error = ((images - predicted).abs() * pixels).sum()
        return error / (pixels.sum() + 1e-5) / Double(images.shape[1])
    }

    /// 1 on the pixels of masked patches of images `[B, C, H, W]`, `[B, 1, H, W]` in fp32.
    static func pixels(of mask: Tensor, in images: Tensor) -> Tensor {
        let (b, _, height, width) = images.shape4
        let (_, rows, columns) = mask.shape3
        require(
            height % rows == 0 && width % columns == 0,
            "a mask of \(rows)×\(columns) does not divide \(height)×\(width) pixels")
        return mask.to(dtype: .float32).reshaped(b, 1, rows, 1, columns, 1)
            .expanded([b, 1, rows, height / rows, columns, width / columns])
            .reshaped(b, 1, height, width)
    }
}
