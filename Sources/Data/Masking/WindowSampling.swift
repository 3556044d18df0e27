public import Configuration

/// Which windows of a packed sequence the predictor sees, or predicts, in each of its repeats.
///
/// 1. a random score for each window; windows of padding are last
/// 2. the best ⌊windows · capacity⌉ ones are taken, half to even
///
/// Note: the reference calls its default "with replacement", although a repeat never takes a window
/// twice; what is independent are the repeats.
public struct WindowSampling: Configuration, Hashable {
    /// The part of the windows that a repeat takes.
    public var capacity = 0.25
    /// How often each sequence goes through the predictor.
    public var repeats = 4
    /// Whether no window is taken by two repeats.
    public var disjoint = false

    public init() {}

    public static var documentation: [String: String] {
        [
            "capacity": "the part of the windows that a repeat takes",
            "repeats": "how often each sequence goes through the predictor",
            "disjoint": "whether no window is taken by two repeats",
        ]
    }

    public func validate() throws {
        guard capacity > 0, capacity <= 1 else {
            throw ConfigurationError.invalid(
                "capacity", found: capacity, expected: "a number above 0, at most 1")
        }
        guard repeats > 0 else {
            throw ConfigurationError.invalid(
                "repeats", found: repeats, expected: "a positive number")
        }
    }

    /// Throws `ConfigurationError` where disjoint repeats do not divide the windows.
    public func validate(windows: Int) throws {
        try validate()
        let count = keptCount(of: windows)
        guard count > 0 else {
            throw ConfigurationError.invalid(
                "capacity", found: capacity, expected: "a part that takes one of \(windows) windows"
            )
        }
        guard !disjoint || windows % count == 0 && count * repeats <= windows else {
            throw ConfigurationError.invalid(
                "disjoint", found: true,
                expected: "\(windows) windows that \(repeats) repeats of \(count) divide")
        }
    }

    /// k, how many of `count` windows a repeat takes.
    public func keptCount(of count: Int) -> Int {
        WindowSplit.rounded(Double(count) * capacity)
    }

    /// Draws the windows of one sequence: a list for each repeat, best score first.
    public func windows(isPadding: [Bool], random: inout some MaskDraws) -> [[Int]] {
        func scores() -> [Double] { isPadding.map { _ in random.uniform(from: 0, to: 1) } }
        guard !disjoint else { return chunks(scores: scores(), isPadding: isPadding) }
        return (0..<repeats).map { _ in best(scores: scores(), isPadding: isPadding) }
    }

    /// The windows of one repeat by given scores.
    func best(scores: [Double], isPadding: [Bool]) -> [Int] {
        Array(Self.ranked(scores, isPadding).prefix(keptCount(of: scores.count)))
    }

    /// The windows of all repeats by given scores, none twice.
    func chunks(scores: [Double], isPadding: [Bool]) -> [[Int]] {
        let order = Self.ranked(scores, isPadding)
        let count = keptCount(of: scores.count)
        return (0..<repeats).map { Array(order[$0 * count..<($0 + 1) * count]) }
    }

    /// All windows, the best first; of equal ones, such as padding, the first first.
    private static func ranked(_ scores: [Double], _ isPadding: [Bool]) -> [Int] {
        let scores = zip(scores, isPadding).map { $1 ? -1 : $0 }
        return scores.indices.sorted { a, b in
            scores[a] == scores[b] ? a < b : scores[a] > scores[b]
        }
    }
}
