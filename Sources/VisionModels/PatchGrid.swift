public import Torch

/// The rows and columns of patches of an image.
public struct PatchGrid: Hashable, Sendable, CustomStringConvertible {
    public let rows: Int
    public let columns: Int

    public init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
    }

    /// The square grid of `count` patches; nil where there is none.
    public init?(squareOf count: Int) {
        let side = Int(Double(max(count, 0)).squareRoot().rounded())
        guard side > 0, side * side == count else { return nil }
        self.init(rows: side, columns: side)
    }

    /// The number of patches.
    public var count: Int { rows * columns }

    public var description: String { "\(rows)×\(columns)" }
}

/// Images `[B, C, rows·p, columns·p]` as patches `[B, N, p·p·C]`.
///
/// Patches run row by row; inside a patch the order is row, column, channel.
public func patchify(_ images: Tensor, patchSize p: Int) -> Tensor {
    let (b, c, height, width) = images.shape4
    require(
        height % p == 0 && width % p == 0, "\(height)×\(width) is not a multiple of the patch \(p)")
    return images.reshaped(b, c, height / p, p, width / p, p)
        .permuted(0, 2, 4, 3, 5, 1)  // [B, rows, columns, p, p, C]
        .reshaped(b, height / p * (width / p), p * p * c)
}

/// The inverse of `patchify`: patches `[B, N, p·p·C]` as images `[B, C, rows·p, columns·p]`.
public func unpatchify(_ patches: Tensor, patchSize p: Int, grid: PatchGrid) -> Tensor {
    let (b, n, length) = patches.shape3
    require(n == grid.count, "\(n) patches do not fill the grid \(grid)")
    let c = length / (p * p)
    return patches.reshaped(b, grid.rows, grid.columns, p, p, c)
        .permuted(0, 5, 1, 3, 2, 4)  // [B, C, rows, p, columns, p]
        .reshaped(b, c, grid.rows * p, grid.columns * p)
}
