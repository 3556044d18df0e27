public import Torch

/// How a family of models fits its position embeddings to another grid of patches.
///
/// The ways are named after what they do, and again after the families that use them: `.iBOT`.
public enum PositionResize: String, Codable, Sendable, CaseIterable {
    /// Bicubic with the ratio of the sizes: MAE and most others.
    ///
    /// Cell x of the target lies at (x + ½) · source / target − ½ of the source, in each axis by
    /// itself. The cubic has a = −0.75; the nearest row is repeated beyond the border, and nothing
    /// is smoothed where the grid shrinks.
    case bicubic
    /// Bicubic, the map of coordinates by the factor (target + 0.1) / source: DINO and iBOT.
    ///
    /// Cell x of the target lies at (x + ½) · source / (target + 0.1) − ½ of the source. They added
    /// 0.1 against rounding errors of the output size and thereby moved the sampling points; their
    /// published numbers contain it. So do those of pictures that are not square but have the
    /// source's grid: they are resampled too.
    case bicubicOffset
    /// The sines and cosines of the other grid, for positions that are fixed (I-JEPA, MAE): what was
    /// stored for the patches is not used.
    case sinCos
    /// Another grid is an error.
    case none
}

extension PositionResize {
    /// Position embeddings `[1, E + n, D]` for another grid, the first E rows, those of class and
    /// other tokens, unchanged.
    ///
    /// - Parameters:
    ///   - embedding: the rows of `source` follow those of the extra tokens, row by row.
    ///   - source: the grid of the embedding.
    ///   - target: the wanted grid.
    ///   - extraTokens: E.
    ///   - isSquare: whether the picture is as high as it is wide, in pixels.
    /// - Returns: the embedding itself where the grids are equal.
    public func apply(
        _ embedding: Tensor, from source: PatchGrid, to target: PatchGrid, extraTokens: Int,
        isSquare: Bool = true
    ) -> Tensor {
        guard source != target || self == .bicubicOffset && !isSquare else { return embedding }
        require(self != .none, "the positions are made for \(source) patches, not \(target)")
        let width = embedding.shape[2]
        require(
            embedding.shape[1] == extraTokens + source.count,
            "\(embedding.shape[1]) positions are not \(extraTokens) and those of \(source) patches")
        if self == .sinCos {
            let fresh = SinCosEmbedding.make(target, width: width, classToken: false)
                .to(dtype: embedding.dtype).to(embedding.device)
            return concatenated([embedding[0..., ..<extraTokens], fresh], 1)
        }
        let scale: (Double, Double)? =
            self == .bicubicOffset
            ? (
                (Double(target.rows) + 0.1) / Double(source.rows),
                (Double(target.columns) + 0.1) / Double(source.columns)
            ) : nil
        let resized = embedding[0..., extraTokens...]
            .reshaped(1, source.rows, source.columns, width)
            .permuted(0, 3, 1, 2)
            .resizedBicubic(height: target.rows, width: target.columns, scale: scale)
            .permuted(0, 2, 3, 1)
            .reshaped(1, target.count, width)
        return concatenated([embedding[0..., ..<extraTokens], resized], 1)
    }
}
