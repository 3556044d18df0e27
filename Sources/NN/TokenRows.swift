public import Torch

/// Sequences of several lengths as rows of one matrix.
///
/// Layers that look at one token at a time run once for all of them; attention takes those of one length
/// at a time. Oquab et al., *DINOv2: Learning Robust Visual Features without Supervision* (2023), section
/// 5, pack the crops of a step so. R rows, D width.
public struct TokenRows {
    /// `[R, D]`: sequences of one length after one another, token by token.
    public let rows: Tensor
    /// How many sequences there are of each length, in the order of the rows.
    public let shapes: [(count: Int, length: Int)]

    /// - Parameter parts: `[B, T, D]` each, of one width.
    public init(_ parts: [Tensor]) {
        require(!parts.isEmpty, "there are no tokens to pack")
        shapes = parts.map { ($0.shape[0], $0.shape[1]) }
        rows = concatenated(parts.map { $0.flattened(0, 1) }, 0)
    }

    private init(rows: Tensor, shapes: [(count: Int, length: Int)]) {
        (self.rows, self.shapes) = (rows, shapes)
    }

    /// The same sequences of other tokens.
    public func with(_ rows: Tensor) -> TokenRows { TokenRows(rows: rows, shapes: shapes) }

    /// The parts `[B, T, D]`.
    public var parts: [Tensor] { apart(rows) }

    /// What has been made of each row, `[R, F]`, as parts `[B, T, F]`.
    ///
    /// Taken apart at once, so that the backward pass puts the gradients together in one step.
    func apart(_ rows: Tensor) -> [Tensor] {
        zip(rows.split(sizes: shapes.map { $0.count * $0.length }, 0), shapes).map { part, shape in
            part.reshaped(shape.count, shape.length, -1)
        }
    }
}
