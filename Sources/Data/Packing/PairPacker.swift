/// Packs pictures of different lengths into sequences of a context area and a target area.
///
/// A sample goes into the first sequence in which both of its parts still fit. When there is none,
/// all sequences are given out and the packer starts anew.
///
/// ```swift
/// var packer = PairPacker(contextLength: 128, targetLength: 192, sequences: 64)
/// if let full = try packer.append(id: 7, context: 30, target: 90) { train(on: full) }
/// ```
///
/// Note: the reference loses the sample for which there was no room, and what is left at the end;
/// `losesOverflow` does the former.
public struct PairPacker: Sendable {
    /// Where a sample lies in its sequence.
    public struct Placement: Hashable, Sendable {
        public let id: Int
        /// The places of its context in the context area.
        public let context: Range<Int>
        /// The places of its target in the target area.
        public let target: Range<Int>
    }

    public let contextLength: Int
    public let targetLength: Int
    public let sequenceCount: Int
    public var losesOverflow: Bool
    /// The samples of each sequence that is being filled, in the order in which they came.
    public private(set) var sequences: [[Placement]]

    public init(
        contextLength: Int, targetLength: Int, sequences: Int, losesOverflow: Bool = false
    ) {
        require(
            contextLength > 0 && targetLength > 0 && sequences > 0,
            "PairPacker: \(sequences) sequences of \(contextLength) + \(targetLength)")
        (self.contextLength, self.targetLength) = (contextLength, targetLength)
        (sequenceCount, self.losesOverflow) = (sequences, losesOverflow)
        self.sequences = [[Placement]](repeating: [], count: sequences)
    }

    /// Places a sample.
    ///
    /// - Returns: all sequences before it, if it fitted into none of them; else nil.
    /// - Throws: `DataError` for a sample that is longer than an area.
    public mutating func append(id: Int, context: Int, target: Int) throws -> [[Placement]]? {
        guard (0...contextLength).contains(context), (0...targetLength).contains(target) else {
            throw DataError(
                .invalidPipeline, "sample \(id)",
                "has \(context) context and \(target) target tokens",
                remedy: "the areas hold \(contextLength) and \(targetLength): lower the largest "
                    + "side of a picture or lengthen them")
        }
        if place(id, context, target) { return nil }
        let full = take()
        if !losesOverflow { _ = place(id, context, target) }
        return full
    }

    /// Gives out the sequences as they are and starts anew.
    public mutating func take() -> [[Placement]] {
        defer { sequences = [[Placement]](repeating: [], count: sequenceCount) }
        return sequences
    }

    private mutating func place(_ id: Int, _ context: Int, _ target: Int) -> Bool {
        for index in sequences.indices {
            let x = sequences[index].last?.context.upperBound ?? 0
            let y = sequences[index].last?.target.upperBound ?? 0
            guard x + context <= contextLength, y + target <= targetLength else { continue }
            sequences[index].append(
                Placement(id: id, context: x..<x + context, target: y..<y + target))
            return true
        }
        return false
    }
}
