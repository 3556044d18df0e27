/// How full packed sequences are, and how large the pictures in them.
public struct PackingMetrics: Hashable, Sendable {
    /// The part of the places that is padding.
    public let paddingShare: Double
    /// Of the largest picture, in pixels.
    public let maxHeight: Int
    public let maxWidth: Int
    /// The mean of both sides, over the pictures of the first sequences, in pixels.
    public let averageSide: Double
    /// Pictures of all sequences; one that lies in two counts twice.
    public let sampleCount: Int

    /// - Parameters:
    ///   - sequences: the tokens of each sequence, padding included.
    ///   - patchSize: in pixels.
    ///   - averaged: how many sequences `averageSide` looks at.
    public init(_ sequences: [[TokenID]], patchSize: Int, averaged: Int = 8) {
        var padding = 0
        var tokens = 0
        var largest = (row: 0, column: 0)
        var sides: [Double] = []
        var samples = 0
        for (index, sequence) in sequences.enumerated() {
            var extents: [Int: (row: Int, column: Int)] = [:]
            tokens += sequence.count
            for token in sequence {
                largest = (max(largest.row, token.row), max(largest.column, token.column))
                guard token.sample != TokenID.none else {
                    padding += 1
                    continue
                }
                let extent = extents[token.sample] ?? (0, 0)
                extents[token.sample] = (
                    max(extent.row, token.row), max(extent.column, token.column)
                )
            }
            samples += extents.count
            if index < averaged {
                sides += extents.values.map { Double($0.row + $0.column) / 2 + 1 }
            }
        }
        paddingShare = tokens > 0 ? Double(padding) / Double(tokens) : 0
        maxHeight = (largest.row + 1) * patchSize
        maxWidth = (largest.column + 1) * patchSize
        let mean = sides.isEmpty ? 0 : sides.reduce(0, +) / Double(sides.count)
        averageSide = mean * Double(patchSize)
        sampleCount = samples
    }
}
