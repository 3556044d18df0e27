public import Configuration

/// MaPeT's permutations: Baraldi et al., *Learning to Mask and Permute Visual Tokens for Vision
/// Transformer Pre-Training* (2023), section 3.
///
/// 1. the class token, then the patches in random order; a token's rank is its place in it
/// 2. the first `contextTokens` are seen by all, the others are predicted one after another
/// 3. who predicts a token sees the content of those of lower rank, and of all others the position
///
/// Tokens are numbered from 0, which is the class token; patch i is token i + 1. N tokens, of which
/// P = N − `contextTokens` are predicted.
public struct PermutationMask: Configuration, Hashable {
    /// L, the tokens of the context, with the class token.
    public var contextTokens = 50
    /// U, the highest rank that counts in the loss; nil for all.
    public var upperLimit: Int? = nil

    public init() {}

    public static var documentation: [String: String] {
        [
            "contextTokens": "tokens that all others see, with the class token",
            "upperLimit": "the highest rank that counts in the loss; null for all",
        ]
    }

    public func validate() throws {
        guard contextTokens > 0 else {
            throw ConfigurationError.invalid(
                "contextTokens", found: contextTokens, expected: "a positive number",
                advice: "the class token counts")
        }
        guard (upperLimit ?? contextTokens) >= contextTokens else {
            throw ConfigurationError.invalid(
                "upperLimit", found: upperLimit ?? 0,
                expected: "contextTokens, \(contextTokens), or more",
                advice: "otherwise no token counts in the loss")
        }
    }

    public func validate(on grid: MaskGrid) throws {
        try validate()
        guard contextTokens <= grid.count else {
            throw ConfigurationError.invalid(
                "contextTokens", found: contextTokens,
                expected: "at most the \(grid.count) patches of the picture",
                advice: "at least one has to be predicted")
        }
    }

    /// Draws the order of the patches of one picture.
    public func order(on grid: MaskGrid, random: inout some MaskDraws) -> TokenOrder {
        TokenOrder(
            tokens: [0] + random.permutation(grid.count).map { $0 + 1 },
            contextCount: contextTokens, upperLimit: upperLimit)
    }
}

/// An order of tokens, and who sees whom in it.
public struct TokenOrder: Hashable, Sendable {
    /// The place of each token in the order, `N` of them.
    public let ranks: [Int]
    /// L.
    public let contextCount: Int
    /// U.
    public let upperLimit: Int?

    /// - Parameters:
    ///   - tokens: the numbers 0..<N in their order.
    ///   - contextCount: of 1 to N.
    ///   - upperLimit: the highest rank that counts in the loss; nil for all.
    public init(tokens: [Int], contextCount: Int, upperLimit: Int? = nil) {
        require(
            (1...max(tokens.count, 1)).contains(contextCount),
            "TokenOrder: \(contextCount) of \(tokens.count) tokens as context")
        var ranks = [Int](repeating: 0, count: tokens.count)
        for (rank, token) in tokens.enumerated() { ranks[token] = rank }
        (self.ranks, self.contextCount, self.upperLimit) = (ranks, contextCount, upperLimit)
    }

    /// Whether each token is predicted, `N` of them.
    public var isPredicted: [Bool] { ranks.map { $0 >= contextCount } }
    /// Whether each token may count in the loss, `N` of them: its rank is at most U.
    public var countsInLoss: [Bool] { ranks.map { $0 <= upperLimit ?? .max } }
    /// The predicted tokens, ascending: P of them.
    public var predicted: [Int] { ranks.indices.filter { ranks[$0] >= contextCount } }

    /// What is added to the scores of the content stream, `[N + P, N + P]` row by row: 0 or −1e30.
    ///
    /// Rows and columns are the N tokens, then the mask tokens of the predicted ones, ascending.
    public var contentMask: [Float] {
        let last = contextCount - 1
        let thresholds =
            ranks.map { max($0, last) } + [Int](repeating: last, count: predicted.count)
        return rows(thresholds)
    }

    /// What is added to the scores of the query stream, `[P, N + P]` row by row: 0 or −1e30.
    public var queryMask: [Float] { rows(predicted.map { ranks[$0] - 1 }) }

    /// A row sees tokens up to its threshold as content, and all others as mask tokens: of each
    /// position exactly one of the two.
    private func rows(_ thresholds: [Int]) -> [Float] {
        let masked = predicted.map { ranks[$0] }
        var values: [Float] = []
        values.reserveCapacity(thresholds.count * (ranks.count + masked.count))
        for threshold in thresholds {
            for rank in ranks { values.append(rank <= threshold ? 0 : -1e30) }
            for rank in masked { values.append(rank > threshold ? 0 : -1e30) }
        }
        return values
    }
}
