import Foundation
public import Torch

/// Fixed position embeddings from sines and cosines of row and column.
///
/// With m = D/4 frequencies ω_k = 10000^(−k/m) a cell (row r, column c) has the channels
/// [sin cω, cos cω, sin rω, cos rω]. Computed in fp64, stored in fp32.
public enum SinCosEmbedding {
    /// The embeddings `[1, N, D]` of a grid, row by row, or `[1, 1 + N, D]` with a zero row in
    /// front for a class token.
    public static func make(_ grid: PatchGrid, width: Int, classToken: Bool) -> Tensor {
        require(width % 4 == 0, "sin-cos positions need a width that 4 divides, found \(width)")
        let count = width / 4
        let frequencies = (0..<count).map { pow(10000, -Double($0) / Double(count)) }
        var values: [Float] = classToken ? Array(repeating: 0, count: width) : []
        for row in 0..<grid.rows {
            for column in 0..<grid.columns {
                for position in [Double(column), Double(row)] {
                    values += frequencies.map { Float(sin(position * $0)) }
                    values += frequencies.map { Float(cos(position * $0)) }
                }
            }
        }
        return Tensor(values, shape: [1, grid.count + (classToken ? 1 : 0), width])
    }
}
