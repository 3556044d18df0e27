public import Torch

/// A learned bias for each offset of two tokens and each head, added to the logits of attention.
///
/// Raffel et al., *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer*
/// (2020), section 2.1, in the two-dimensional form of BEiT and Swin. The table `[R, H]` has a row
/// for each offset and starts at zero.
public final class RelativePositionBias: Module {
    @Parameter public var table: Tensor  // [R, H]

    public override class var stateNames: [String: String] {
        ["table": "relative_position_bias_table"]
    }

    public init(rows: Int, heads: Int) {
        table = Init.zeros([rows, heads])
    }

    /// The biases of all pairs of tokens, `[H, T, T]`.
    public func callAsFunction(_ pairs: RelativePairs) -> Tensor {
        pairs.fitting(table).selectingRows(pairs.rows).permuted(2, 0, 1)
    }
}

/// Which row of a table of relative positions belongs to each pair of tokens.
public struct RelativePairs {
    /// The row for query i and key j, int64 `[T, T]`.
    public let rows: Tensor
    /// Fits a table, which was made for another grid, to this one; the identity on its own.
    let fitting: (Tensor) -> Tensor

    public init(rows: Tensor, fitting: @escaping (Tensor) -> Tensor = { $0 }) {
        self.rows = rows
        self.fitting = fitting
    }
}
