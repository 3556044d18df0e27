/// Data that cannot be used: where, what was found, what to do.
public struct DataError: Error, Sendable, CustomStringConvertible {
    /// What kind of fault it is.
    public enum Kind: String, Sendable, CaseIterable {
        case missing
        case unreadable
        case empty
        case malformed
        case invalidPipeline
        case invalidMixing
        case tooFewPictures
        case tooManyBadFiles
        case changed
    }

    public let kind: Kind
    /// The path, or the key of the configuration.
    public let place: String
    public let problem: String
    public let remedy: String

    public init(_ kind: Kind, _ place: String, _ problem: String, remedy: String) {
        (self.kind, self.place, self.problem, self.remedy) = (kind, place, problem, remedy)
    }

    public var description: String { "\(place): \(problem); \(remedy)" }
}
