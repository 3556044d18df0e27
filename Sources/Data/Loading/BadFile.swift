/// What happens to a picture that cannot be read.
public enum BadFilePolicy: String, Codable, Sendable, CaseIterable {
    /// The next picture in the order of the source takes its place.
    case substitute
    /// The batch has one picture less.
    case skip
    /// Loading ends with the error.
    case stop
}

/// The record of a picture that could not be read.
public struct BadFile: Codable, Sendable, Equatable {
    public let index: Int
    public let name: String
    public let reason: String
    public let epoch: Int
    public let step: Int
    /// The picture that took its place.
    public let substitute: Int?
}
