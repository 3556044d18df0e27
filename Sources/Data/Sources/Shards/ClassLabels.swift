/// Labels as the user wrote them, made to numbers from 0 on.
struct ClassLabels: Sendable, Equatable {
    /// Names of the classes in the order of their numbers.
    let names: [String]
    private let numbers: [String: Int]?

    /// A number of classes that no honest data set exceeds.
    static let most = 1 << 22

    /// Whole numbers are taken as they are; other texts are numbered in the order of their bytes.
    ///
    /// - Throws: `DataError` at `place` for numbers below 0 or far too high.
    init(_ texts: some Sequence<String>, place: String) throws {
        let distinct = Set(texts)
        let values = distinct.map { Int($0) }
        guard !distinct.isEmpty, values.allSatisfy({ $0 != nil }) else {
            names = distinct.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            numbers = Dictionary(
                names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
            return
        }
        numbers = nil
        let (lowest, highest) = values.reduce((0, 0)) { (min($0.0, $1 ?? 0), max($0.1, $1 ?? 0)) }
        guard lowest >= 0, highest < Self.most else {
            throw DataError(
                .malformed, place, "has the label \(lowest < 0 ? lowest : highest)",
                remedy: "number the classes from 0 to at most \(Self.most - 1)")
        }
        names = (0...highest).map(String.init)
    }

    func number(of text: String) -> Int {
        guard let numbers else { return Int(text) ?? 0 }
        return numbers[text] ?? 0
    }
}
