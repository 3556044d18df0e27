public import Imaging
public import Reports
public import Torch
public import VisionModels

/// Where the class token of the last block looks, head by head: Caron et al., *Emerging Properties
/// in Self-Supervised Vision Transformers* (2021), figure 1.
///
/// A model without a class token shows the attention that each patch receives on average.
public struct AttentionMaps {
    /// `[B, H, rows, columns]`; the weights of a head over patches and class token sum to 1.
    public let weights: Tensor
    private let grid: PatchGrid

    /// - Parameters:
    ///   - model: in evaluation, or drop path changes the maps.
    ///   - images: `[B, C, H, W]`.
    public init(_ model: VisionTransformer, images: Tensor) {
        let attention = noGrad { model.lastAttention(images) }  // [B, H, T, T]
        grid = model.grid(of: images)
        let (b, h, _, _) = attention.shape4
        let onPatches = attention[0..., 0..., 0..., model.extraTokens...]  // [B, H, T, N]
        weights = (model.hasClassToken ? onPatches[0..., 0..., 0] : onPatches.mean(2))
            .reshaped(b, h, grid.rows, grid.columns)
    }

    /// The number of heads, H.
    public var headCount: Int { weights.shape[1] }

    /// One map a head for a sample, each over its own range.
    public func heatMaps(sample: Int) -> [HeatMap] {
        weights[sample].unbound().map(heatMap)
    }

    private func heatMap(_ weights: Tensor) -> HeatMap {
        HeatMap(rows: grid.rows, columns: grid.columns, values: weights.values())
    }
}

extension HeatMap {
    /// The numbers as a grey picture: black is the lowest of the range, white the highest, each
    /// cell a block of pixels.
    public func picture(width: Int, height: Int) -> ImageBuffer {
        let span = max(range.upperBound - range.lowerBound, .leastNormalMagnitude)
        var picture = ImageBuffer(width: width, height: height, channels: 1)
        for row in 0..<height {
            for column in 0..<width {
                let value = values[row * rows / height * columns + column * columns / width]
                let share = (value - range.lowerBound) / span
                picture[row, column] = UInt8((min(max(share, 0), 1) * 255).rounded())
            }
        }
        return picture
    }
}
