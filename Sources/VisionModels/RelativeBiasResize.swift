public import Torch

/// How a family of models fits its tables of relative position biases to another window.
///
/// A window of h × w patches has (2h − 1)(2w − 1) offsets (Δrow, Δcolumn) between two patches. The
/// table `[R + E, H]` has a row for each of them, Δrow by Δrow, with a bias for each of H heads, and
/// E rows behind: none in Swin; in BEiT 3, class to patch, patch to class, class to class.
public enum RelativeBiasResize: String, Codable, Sendable, CaseIterable {
    /// A cubic spline through offsets at geometric distances: BEiT, SimMIM.
    ///
    /// The stored offsets of an axis, n of them, are put at 0, ±1, ±(1 + q), ±(1 + q + q²), …, with
    /// 1 + q + … as long as half the target's axis where q in [1.01, 1.5] allows; an
    /// interpolating spline, each axis by itself, is read at the whole numbers of the target, in
    /// fp64. Near offsets so keep their biases and far ones are stretched. See `GeometricOffsets`.
    case geometricSpline
    /// Bicubic (a = −0.75) with the ratio of the sizes: Swin.
    ///
    /// Offset x of the target lies at (x + ½) · source / target − ½ of the source, counted from the
    /// table's border, as in `PositionResize.bicubic`.
    case bicubic
    /// Another window is an error.
    case none
}

/// The ways by the names of the families whose code they are from.
extension RelativeBiasResize {
    /// Bao et al., *BEiT: BERT Pre-Training of Image Transformers* (2022), and BEiT v2.
    public static let beit = RelativeBiasResize.geometricSpline

    /// Chen et al., *Context Autoencoder for Self-Supervised Representation Learning* (2022).
    public static let cae = RelativeBiasResize.geometricSpline

    /// Xie et al., *SimMIM: a Simple Framework for Masked Image Modeling* (2022): its ViT, and its
    /// Swin too.
    public static let simMIM = RelativeBiasResize.geometricSpline

    /// iBOT's fine-tuning of a ViT with layer decay, which is BEiT's.
    public static let iBOT = RelativeBiasResize.geometricSpline

    /// Liu et al., *Swin Transformer: Hierarchical Vision Transformer using Shifted Windows* (2021).
    public static let swin = RelativeBiasResize.bicubic

    /// iBOT's fine-tuning of a Swin.
    public static let iBOTSwin = RelativeBiasResize.bicubic
}

// MARK: - Fitting

extension RelativeBiasResize {
    /// A table of relative position biases from a file for a model with another window.
    ///
    /// A file does not say which window its table is for. As many rows as the target has are taken
    /// for the target's; others must be a square window's, unless `source` is given. The families
    /// have square windows alone; in others each axis is resampled for itself, and one that keeps its
    /// length stays as it is.
    ///
    /// - Parameters:
    ///   - stored: `[R + E, H]`; half precisions are resampled in fp32 at least.
    ///   - source: the window that the table was trained with, where it is known.
    ///   - target: the window of the model; in a ViT its whole grid.
    ///   - extraRows: E, the rows behind that concern the class token.
    /// - Returns: `[R' + E, H]` in the type of `stored`, the E rows unchanged; `stored` itself where
    ///   the windows are equal.
    /// - Throws: `PositionFitError` where the shape is no such table's, where the window is not
    ///   known or for the spline below 3 × 3, and for `none` where the windows differ.
    public func fitting(
        _ stored: Tensor, from source: PatchGrid? = nil, to target: PatchGrid, extraRows: Int
    ) throws(PositionFitError) -> Tensor {
        guard let rows = stored.shape.first, rows > extraRows else {
            throw Self.wrongShape(stored, extraRows: extraRows)
        }
        let count = rows - extraRows
        let inferred = count == target.offsets.count ? target.offsets : PatchGrid(squareOf: count)
        guard let offsets = source?.offsets ?? inferred, offsets.rows % 2 == 1 else {
            throw PositionFitError(
                "\(rows) rows of biases less \(extraRows) for the class token leave \(count), "
                    + "expected (2w − 1)² for a window of w × w; check the extra rows, or give the "
                    + "window of the checkpoint")
        }
        return try fitting(
            stored, fromOffsets: offsets, toOffsets: target.offsets, extraRows: extraRows)
    }

    /// `fitting` by the numbers of offsets instead of the windows that have them.
    package func fitting(
        _ stored: Tensor, fromOffsets source: PatchGrid, toOffsets target: PatchGrid, extraRows: Int
    ) throws(PositionFitError) -> Tensor {
        let shape = stored.shape
        guard shape.count == 2, extraRows >= 0, stored.dtype.isFloatingPoint else {
            throw Self.wrongShape(stored, extraRows: extraRows)
        }
        guard shape[0] == source.count + extraRows else {
            throw PositionFitError(
                "\(source) offsets and \(extraRows) extra rows are \(source.count + extraRows) rows "
                    + "of biases, found \(shape[0]); check the window of the checkpoint")
        }
        guard source != target else { return stored }
        let grid = stored[..<source.count].reshaped(source.rows, source.columns, shape[1])
            .permuted(2, 0, 1)  // [H, Δrows, Δcolumns]
        let resized =
            switch self {
            case .geometricSpline:
                try spline(grid, from: source, to: target)
            case .bicubic:
                // libtorch has half precisions on some devices alone.
                grid.to(dtype: grid.dtype == .float64 ? .float64 : .float32).unsqueezed(0)
                    .resizedBicubic(height: target.rows, width: target.columns)[0]
            case .none:
                throw PositionFitError(
                    "the table is made for \(source) offsets, the model has \(target), and its "
                        + "family does not resize them; choose a way to resize, or the window that "
                        + "the checkpoint was trained with")
            }
        let table = resized.permuted(1, 2, 0).reshaped(target.count, shape[1])
        return concatenated([table.to(dtype: stored.dtype), stored[source.count...]], 0)
    }

    /// The tensor-product spline: `[H, Δrows, Δcolumns]` at another size, in fp64.
    private func spline(
        _ grid: Tensor, from source: PatchGrid, to target: PatchGrid
    ) throws(PositionFitError) -> Tensor {
        let rows = try Self.weights(from: source.rows, to: target.rows).to(grid.device)
        let columns = try Self.weights(from: source.columns, to: target.columns).to(grid.device)
        return rows.matmul(grid.to(dtype: .float64)).matmul(columns.transposed())
    }

    /// What resamples one axis, `[target, source]`: the identity where it keeps its length.
    private static func weights(from source: Int, to target: Int) throws(PositionFitError) -> Tensor
    {
        guard source != target else { return .identity(source, dtype: .float64) }
        guard source % 2 == 1, target % 2 == 1, source >= 5 else {
            throw PositionFitError(
                "a spline leads from 5 offsets or more to another odd number of them, that is from "
                    + "a window of 3 patches or more, not from \(source) to \(target); use bicubic")
        }
        return GeometricOffsets(source: source, target: target).weights
    }

    private static func wrongShape(_ stored: Tensor, extraRows: Int) -> PositionFitError {
        PositionFitError(
            "a table of relative position biases has shape [offsets + \(extraRows), heads] and real "
                + "numbers, found \(stored.shape) of \(stored.dtype)")
    }
}

extension PatchGrid {
    /// The differences (Δrow, Δcolumn) between two cells: 2r − 1 by 2c − 1 of them.
    package var offsets: PatchGrid { PatchGrid(rows: 2 * rows - 1, columns: 2 * columns - 1) }
}
