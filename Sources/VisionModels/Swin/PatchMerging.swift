public import NN
public import Torch

/// Four neighbouring cells as one of twice the width: `[B, H·W, C] -> [B, ⌈H/2⌉·⌈W/2⌉, 2C]`.
///
/// Liu et al., *Swin Transformer* (2021), section 3.1. An odd last row or column is joined with
/// zeros.
public final class PatchMerging: Module {
    let reduction: Linear
    let norm: LayerNorm

    public init(_ width: Int, eps: Double, generator: Generator?) {
        reduction = Linear(4 * width, 2 * width, bias: false, generator: generator)
        norm = LayerNorm(4 * width, eps: eps)
    }

    /// The grid that comes out of `grid`.
    public static func grid(after grid: PatchGrid) -> PatchGrid {
        PatchGrid(rows: (grid.rows + 1) / 2, columns: (grid.columns + 1) / 2)
    }

    public func callAsFunction(_ x: Tensor, on grid: PatchGrid) -> Tensor {
        let (b, _, c) = x.shape3
        let half = Self.grid(after: grid)
        var map = x.reshaped(b, grid.rows, grid.columns, c)
        if 2 * half.rows != grid.rows || 2 * half.columns != grid.columns {
            map = map.paddedBehind(
                0, 2 * half.columns - grid.columns, 2 * half.rows - grid.rows)
        }
        // The four cells in the order (row, column) = (0, 0), (1, 0), (0, 1), (1, 1).
        let joined = map.reshaped(b, half.rows, 2, half.columns, 2, c)
            .permuted(0, 1, 3, 4, 2, 5)
            .reshaped(b, half.count, 4 * c)
        return reduction(norm(joined))
    }
}
