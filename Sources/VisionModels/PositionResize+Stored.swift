public import Torch

extension PositionResize {
    /// A position embedding from a file for a model with another grid.
    ///
    /// A file does not say which grid its positions are for. As many as the target has are taken for
    /// the target's; others must fill a square, unless `source` is given.
    ///
    /// - Parameters:
    ///   - stored: `[1, E + n, D]`, the patches row by row; half precisions are resampled in fp32.
    ///   - source: the grid of the n patches, where it is known.
    ///   - target: the grid of the model, of N patches.
    ///   - extraTokens: E, the rows in front for class, distillation and register tokens.
    /// - Returns: `[1, E + N, D]` in the type of `stored`, the E rows unchanged; `stored` itself
    ///   where the grids are equal.
    /// - Throws: `PositionFitError` where the shape is no such embedding's, where the grid is not
    ///   known, and for `none` where the grids differ.
    public func fitting(
        _ stored: Tensor, from source: PatchGrid? = nil, to target: PatchGrid, extraTokens: Int
    ) throws(PositionFitError) -> Tensor {
        let shape = stored.shape
        guard shape.count == 3, shape[0] == 1, extraTokens >= 0, shape[1] > extraTokens,
            stored.dtype.isFloatingPoint
        else {
            throw PositionFitError(
                "a position embedding has shape [1, \(extraTokens) + patches, width] and real "
                    + "numbers, found \(shape) of \(stored.dtype)")
        }
        let count = shape[1] - extraTokens
        let inferred = count == target.count ? target : PatchGrid(squareOf: count)
        guard let grid = source ?? inferred, grid.count == count else {
            let tokens = extraTokens == 1 ? "1 extra token" : "\(extraTokens) extra tokens"
            throw PositionFitError(
                "\(shape[1]) positions less \(tokens) leave \(count) patches, expected "
                    + (source.map { "the \($0.count) of \($0)" } ?? "a square number")
                    + "; check the extra tokens, or give the grid of the checkpoint")
        }
        guard grid != target else { return stored }
        guard self != .none else {
            throw PositionFitError(
                "the positions are made for \(grid) patches, the model has \(target), and its family "
                    + "does not resize them; choose a way to resize, or pictures of the size that "
                    + "the checkpoint was trained with")
        }
        guard self != .sinCos || shape[2] % 4 == 0 else {
            throw PositionFitError(
                "sin-cos positions need a width that 4 divides, found \(shape[2]); use bicubic")
        }
        let isHalf = stored.dtype.byteCount < DType.float32.byteCount
        let wide = isHalf ? stored.to(dtype: .float32) : stored
        return apply(wide, from: grid, to: target, extraTokens: extraTokens)
            .to(dtype: stored.dtype)
    }
}
