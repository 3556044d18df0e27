public import Torch

/// How the cells of a grid fall into square windows, after a shift or without one.
///
/// Liu et al., *Swin Transformer* (2021), section 3.2. A grid that the window does not divide is
/// padded behind its last row and column. B images, H × W cells, P padded cells a side, W windows of
/// n = w² cells.
public struct Windows: Hashable, Sendable {
    /// The grid that is cut.
    public let grid: PatchGrid
    /// w, the rows and columns of a window.
    public let size: Int
    /// How many rows and columns the grid is rolled up and left before it is cut.
    public let shift: Int

    public init(of grid: PatchGrid, size: Int, shift: Int) {
        require(
            size > 0 && (0..<size).contains(shift), "windows of \(size) cannot shift by \(shift)")
        (self.grid, self.size, self.shift) = (grid, size, shift)
    }

    /// The grid with its padding.
    public var padded: PatchGrid {
        PatchGrid(
            rows: (grid.rows + size - 1) / size * size,
            columns: (grid.columns + size - 1) / size * size)
    }

    /// The number of windows of an image, W.
    public var count: Int { padded.count / (size * size) }

    /// The cells of each window: `[B, H·W, C] -> [B, W, n, C]`.
    ///
    /// Windows run row by row, and so do the cells of each.
    public func partition(_ tokens: Tensor) -> Tensor {
        let (b, _, c) = tokens.shape3
        let padded = padded
        var map = tokens.reshaped(b, grid.rows, grid.columns, c)
        if padded != grid {
            map = map.paddedBehind(0, padded.columns - grid.columns, padded.rows - grid.rows)
        }
        if shift > 0 { map = map.rolled([-shift, -shift], [1, 2]) }
        return map.reshaped(b, padded.rows / size, size, padded.columns / size, size, c)
            .permuted(0, 1, 3, 2, 4, 5)
            .reshaped(b, count, size * size, c)
    }

    /// The inverse of `partition`, without the padding: `[B, W, n, C] -> [B, H·W, C]`.
    public func merge(_ windows: Tensor) -> Tensor {
        let (b, _, _, c) = windows.shape4
        let padded = padded
        var map = windows.reshaped(b, padded.rows / size, padded.columns / size, size, size, c)
            .permuted(0, 1, 3, 2, 4, 5)
            .reshaped(b, padded.rows, padded.columns, c)
        if shift > 0 { map = map.rolled([shift, shift], [1, 2]) }
        if padded != grid { map = map[0..., ..<grid.rows, ..<grid.columns] }
        return map.reshaped(b, grid.count, c)
    }

    /// What is added to the logits of each window, `[W, n, n]`: −100 for two cells that only the roll
    /// has brought together, else 0; nil without a shift.
    ///
    /// Rows and columns are cut at −w and −shift from their end into three, which gives nine regions;
    /// cells of different regions do not see each other.
    public var mask: Tensor? {
        guard shift > 0 else { return nil }
        let padded = padded
        func part(_ place: Int, of length: Int) -> Int {
            place < length - size ? 0 : place < length - shift ? 1 : 2
        }
        let regions = (0..<padded.count).map { cell in
            3 * part(cell / padded.columns, of: padded.rows)
                + part(cell % padded.columns, of: padded.columns)
        }
        let cut = Windows(of: padded, size: size, shift: 0)
            .partition(Tensor(regions, shape: [1, padded.count, 1]))[0]  // [W, n, 1]
        let isApart = .!(cut .== cut.transposed())  // [W, n, n]
        return isApart.to(dtype: .float32) * -100
    }
}
