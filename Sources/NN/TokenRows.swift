public import Torch

/// Sequences of several lengths as rows of one matrix.
///
/// Layers that look at one token at a time run once for all of them, and for no token that is not there;
/// attention is given them apart. Oquab et al., *DINOv2: Learning Robust Visual Features without
/// Supervision* (2023), section 5, pack the crops of a step so. R rows, D width.
public struct TokenRows {
    /// `[R, D]`: the tokens of all sequences.
    public let rows: Tensor
    private let layout: Layout

    private enum Layout {
        /// Sequences of one length after one another, token by token.
        case lengths([(count: Int, length: Int)])
        case ragged(RaggedSequences)
    }

    /// - Parameter parts: `[B, T, D]` each, of one width.
    public init(_ parts: [Tensor]) {
        require(!parts.isEmpty, "there are no tokens to pack")
        layout = .lengths(parts.map { ($0.shape[0], $0.shape[1]) })
        rows = concatenated(parts.map { $0.flattened(0, 1) }, 0)
    }

    /// Sequences that are filled up to one length.
    ///
    /// - Parameters:
    ///   - filledUp: `[B, T, D]`.
    ///   - tokens: which of the T tokens of each sequence are there, at least one.
    public init(_ filledUp: Tensor, holding tokens: [[Range<Int>]]) {
        let ragged = RaggedSequences(
            tokens, length: filledUp.shape[1], device: filledUp.device)
        layout = .ragged(ragged)
        rows = filledUp.flattened(0, 1).selectingRows(ragged.places)
    }

    private init(rows: Tensor, layout: Layout) { (self.rows, self.layout) = (rows, layout) }

    /// The same sequences of other tokens.
    public func with(_ rows: Tensor) -> TokenRows { TokenRows(rows: rows, layout: layout) }

    /// The sequences as they were given, `[B, T, D]`; what fills them up is any token.
    public var parts: [Tensor] {
        switch layout {
        case .lengths: apart(rows)
        case .ragged(let ragged): [rows.selectingRows(ragged.rows)]
        }
    }

    /// What attention is told of the parts that it is given, in models whose attention sees no positions.
    public var presence: [AttentionPositions?] {
        switch layout {
        case .lengths(let shapes): shapes.map { _ in nil }
        case .ragged(let ragged): ragged.groups.map(\.presence)
        }
    }

    /// How many sequences there are in each part, and how long they are.
    var shapes: [(count: Int, length: Int)] {
        switch layout {
        case .lengths(let shapes): shapes
        case .ragged(let ragged): ragged.groups.map { ($0.count, $0.length) }
        }
    }

    /// What has been made of each row, `[R, F]`, in parts for attention, `[B, T, F]`.
    func apart(_ rows: Tensor) -> [Tensor] {
        // Taken apart at once, so that the backward pass puts the gradients together in one step.
        let tokens =
            switch layout {
            case .lengths: rows
            case .ragged(let ragged): rows.selectingRows(ragged.grouped)
            }
        return zip(tokens.split(sizes: shapes.map { $0.count * $0.length }, 0), shapes).map {
            $0.reshaped($1.count, $1.length, -1)
        }
    }

    /// The rows `[R, F]` of such parts.
    func together(_ parts: [Tensor]) -> Tensor {
        let all = concatenated(parts.map { $0.flattened(0, 1) }, 0)
        switch layout {
        case .lengths: return all
        case .ragged(let ragged): return all.selectingRows(ragged.order)
        }
    }
}
