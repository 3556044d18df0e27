/// A picture that cannot be read or written: which one, why, and what to do.
public struct ImageError: Error, Sendable, CustomStringConvertible {
    /// What kind of fault it is.
    public enum Kind: String, Sendable, CaseIterable {
        case unreadable
        case unknownFormat
        case corrupt
        case truncated
        case unsupported
        case tooLarge
        case outOfMemory
    }

    public let kind: Kind
    /// The path or the name of the picture within its source.
    public let name: String
    public let reason: String
    /// What to do, where that is more than the kind says.
    private let remedy: String?

    public init(_ kind: Kind, name: String, reason: String, advice: String? = nil) {
        (self.kind, self.name, self.reason) = (kind, name, reason)
        remedy = advice
    }

    public var description: String { "\(name): \(reason); \(remedy ?? Self.advice(on: kind))" }

    private static func advice(on kind: Kind) -> String {
        switch kind {
        case .unreadable: "check that the file exists and that you may read it"
        case .unknownFormat:
            "expected a JPEG, PNG, WebP, TIFF, GIF, BMP or NumPy picture; convert it or take it out"
        case .corrupt, .truncated: "copy the file again or take it out"
        case .unsupported: "save it as an 8-bit RGB or grey PNG or JPEG"
        case .tooLarge: "raise the limit if the file is trusted, or shrink the picture"
        case .outOfMemory: "lower the number of loader threads or shrink the picture"
        }
    }
}
