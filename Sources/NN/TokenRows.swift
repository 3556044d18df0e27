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
        /// Sequences that are filled up to one length: where each row is among their B · T tokens, `[R]`,
        /// the row of each token, `[B, T]`, 0 for those that are not there, and what attention is told.
        case filledUp(places: Tensor, rows: Tensor, presence: AttentionPositions)
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
    ///   - places: of the tokens that are there, among the B · T: `[R]` int64.
    public init(_ filledUp: Tensor, at places: Tensor) {
        let (b, t, _) = filledUp.shape3
        // One more than the row, so that 0 is left for tokens that are not there.
        let numbers = Tensor.range(1..<places.shape[0] + 1, device: places.device)
        let found = Tensor.zeros([b * t], dtype: .int64, device: places.device)
            .scatterAdding(numbers, at: places, 0).reshaped(b, t)
        layout = .filledUp(
            places: places, rows: (found - Tensor(scalar: 1)).maximum(Tensor(scalar: 0)),
            presence: AttentionPositions(present: found .> 0))
        rows = filledUp.flattened(0, 1).selectingRows(places)
    }

    private init(rows: Tensor, layout: Layout) { (self.rows, self.layout) = (rows, layout) }

    /// The same sequences of other tokens.
    public func with(_ rows: Tensor) -> TokenRows { TokenRows(rows: rows, layout: layout) }

    /// The sequences, `[B, T, D]`, in as many parts as they were given in; what fills them up is any token.
    public var parts: [Tensor] { apart(rows) }

    /// For each part what keeps attention from tokens that are not there; nil where all are.
    public var presence: [AttentionPositions?] {
        switch layout {
        case .lengths(let shapes): shapes.map { _ in nil }
        case .filledUp(_, _, let presence): [presence]
        }
    }

    /// How many sequences there are in each part, and how long they are.
    var shapes: [(count: Int, length: Int)] {
        switch layout {
        case .lengths(let shapes): shapes
        case .filledUp(_, let rows, _): [(rows.shape[0], rows.shape[1])]
        }
    }

    /// What has been made of each row, `[R, F]`, as parts `[B, T, F]`.
    func apart(_ rows: Tensor) -> [Tensor] {
        switch layout {
        case .lengths(let shapes):
            // Taken apart at once, so that the backward pass puts the gradients together in one step.
            zip(rows.split(sizes: shapes.map { $0.count * $0.length }, 0), shapes).map {
                $0.reshaped($1.count, $1.length, -1)
            }
        case .filledUp(_, let numbers, _): [rows.selectingRows(numbers)]
        }
    }

    /// The rows `[R, F]` of parts `[B, T, F]`.
    func together(_ parts: [Tensor]) -> Tensor {
        switch layout {
        case .lengths: concatenated(parts.map { $0.flattened(0, 1) }, 0)
        case .filledUp(let places, _, _): parts[0].flattened(0, 1).selectingRows(places)
        }
    }
}
