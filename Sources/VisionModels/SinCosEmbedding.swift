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
        make(grid, width: width, extraTokens: classToken ? 1 : 0)
    }

    /// The embeddings `[1, E + N, D]` of a grid, row by row, after a zero row for each of E extra
    /// tokens.
    ///
    /// `rowsFirst` puts the row's channels before the column's: CAE.
    public static func make(
        _ grid: PatchGrid, width: Int, extraTokens: Int, rowsFirst: Bool = false
    ) -> Tensor {
        require(width % 4 == 0, "sin-cos positions need a width that 4 divides, found \(width)")
        let frequencies = frequencies(width / 4)
        var values = [Float](repeating: 0, count: extraTokens * width)
        for row in 0..<grid.rows {
            for column in 0..<grid.columns {
                for place in rowsFirst ? [row, column] : [column, row] {
                    values += frequencies.map { Float(sin(Double(place) * $0)) }
                    values += frequencies.map { Float(cos(Double(place) * $0)) }
                }
            }
        }
        return Tensor(values, shape: [1, extraTokens + grid.count, width])
    }

    /// The embeddings `[1, N, D]` of places in a line: [sin xω, cos xω] with D/2 frequencies.
    public static func line(_ count: Int, width: Int) -> Tensor {
        require(width % 2 == 0, "sin-cos positions need an even width, found \(width)")
        let frequencies = frequencies(width / 2)
        var values: [Float] = []
        for place in 0..<count {
            values += frequencies.map { Float(sin(Double(place) * $0)) }
            values += frequencies.map { Float(cos(Double(place) * $0)) }
        }
        return Tensor(values, shape: [1, count, width])
    }

    /// The same numbers as `line`, sines in even and cosines in odd channels: Vaswani et al.,
    /// *Attention Is All You Need* (2017), section 3.5.
    public static func interleavedLine(_ count: Int, width: Int) -> Tensor {
        line(count, width: width).reshaped(1, count, 2, width / 2).transposed(-2, -1)
            .reshaped(1, count, width)
    }

    /// 10000^(−k/m) for k below m.
    package static func frequencies(_ m: Int) -> [Double] {
        (0..<m).map { pow(10000, -Double($0) / Double(m)) }
    }
}
