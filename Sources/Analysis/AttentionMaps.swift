public import Reports
public import Torch
public import VisionModels

/// Where the class token looks: its attention to each patch in the last block, head by head.
public struct AttentionMaps {
    /// `[B, H, rows, columns]`; the weights of a head over patches and class token sum to 1.
    public let weights: Tensor
    private let grid: PatchGrid

    /// - Parameters:
    ///   - model: with a class token, in evaluation.
    ///   - images: `[B, C, H, W]`.
    public init(_ model: VisionTransformer, images: Tensor) {
        require(model.config.classToken, "attention maps need a class token")
        let attention = noGrad { model.lastAttention(images) }  // [B, H, T, T]
        grid = model.grid(of: images)
        let (b, h, _, _) = attention.shape4
        weights = attention[0..., 0..., 0, model.extraTokens...]
            .reshaped(b, h, grid.rows, grid.columns)
    }

    /// The number of heads, H.
    public var headCount: Int { weights.shape[1] }

    /// One map a head for a sample, each over its own range.
    public func heatMaps(sample: Int) -> [HeatMap] {
        weights[sample].unbound().map { head in
            HeatMap(rows: grid.rows, columns: grid.columns, values: head.values())
        }
    }
}
