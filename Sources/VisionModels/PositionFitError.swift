/// A stored table of positions or of their biases cannot be fitted to a model's grid.
public struct PositionFitError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was found, what was expected, what to do.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
