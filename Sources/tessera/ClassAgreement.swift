/// Whether the class numbers of training and test pictures mean the same.
///
/// A number is a place in the sorted list of names: one folder more or less moves all behind it.
struct ClassAgreement {
    private let train: [String]
    private let test: [String]
    /// Names in a message.
    private static let mostNames = 5

    init(_ train: [String], _ test: [String]) { (self.train, self.test) = (train, test) }

    /// What is worth saying of classes that agree as far as both have them; nil if they are equal.
    ///
    /// - Parameter path: of the pictures.
    /// - Returns: the note.
    /// - Throws: `UsageError` where a number stands for different classes.
    func note(_ path: String) throws -> String? {
        if train == test { return nil }
        let common = min(train.count, test.count)
        guard train[..<common] == test[..<common] else { throw disagreement(path) }
        let (more, most, less) =
            train.count > test.count
            ? (train, "training", "test") : (test, "test", "training")
        return "\(path): \(more.count - common) classes have \(most) and no \(less) pictures: "
            + Self.list(Array(more[common...]))
    }

    private func disagreement(_ path: String) -> UsageError {
        let (trainNames, testNames) = (Set(train), Set(test))
        let parts = [
            ("training alone", train.filter { !testNames.contains($0) }),
            ("test alone", test.filter { !trainNames.contains($0) }),
        ]
        let differences = parts.filter { !$0.1.isEmpty }.map { "\($0.0): \(Self.list($0.1))" }
        let what =
            differences.isEmpty
            ? "the same \(train.count) classes are in another order"
            : differences.joined(separator: "; ")
        return UsageError(
            "the classes of the training and the test pictures in \(path) differ, so that scores "
                + "would compare unrelated ones (\(what)): make both parts have the same class "
                + "folders; an empty folder counts")
    }

    /// `a, b, c and 12 more`.
    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(mostNames).joined(separator: ", ")
        return names.count > mostNames ? "\(shown) and \(names.count - mostNames) more" : shown
    }
}
