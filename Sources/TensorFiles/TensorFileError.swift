/// What is wrong with a file of tensors: where, what was found, what was expected, what to do.
public struct TensorFileError: Error, Sendable, CustomStringConvertible {
    /// The sort of failure, for programs that decide by it.
    public struct Kind: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// The file is absent, is no regular file or may not be read.
        public static let unreadable = Kind(description: "unreadable")
        /// The file ends before its own header says it does.
        public static let truncated = Kind(description: "truncated")
        /// The content contradicts the format.
        public static let malformed = Kind(description: "malformed")
        /// Well formed, but of a kind that is not read here.
        public static let unsupported = Kind(description: "unsupported")
        /// More memory, nesting or items than any honest file needs.
        public static let limit = Kind(description: "limit")
        /// A stored checksum does not match the content.
        public static let checksum = Kind(description: "checksum")
        /// No such tensor or value in the file.
        public static let missingKey = Kind(description: "missingKey")
        /// The disk (or the quota) is full.
        public static let diskFull = Kind(description: "diskFull")
        /// Any other failure to write.
        public static let unwritable = Kind(description: "unwritable")
    }

    public let kind: Kind
    /// Path of the file as the caller gave it.
    public let file: String
    /// The tensor, record, key or byte offset inside the file, where that is known.
    public let place: String?
    /// What was found and what was expected.
    public let problem: String
    /// What the user can do about it.
    public let remedy: String?

    public init(
        _ kind: Kind, file: String, place: String? = nil, problem: String, remedy: String? = nil
    ) {
        self.kind = kind
        self.file = file
        self.place = place
        self.problem = problem
        self.remedy = remedy
    }

    public var description: String {
        let start = [file, place].compactMap { $0 }.joined(separator: ": ")
        return "\(start): \(problem)" + (remedy.map { "; \($0)" } ?? "")
    }
}

extension String {
    /// The text cut to `limit` characters, for a message.
    ///
    /// Characters that steer a terminal, turn the direction of writing or show nothing are replaced:
    /// a name must not pass for another.
    package func quotedForMessage(limit: Int = 80) -> String {
        let shown = unicodeScalars.prefix(limit).map { scalar in
            scalar.isPlain ? Character(scalar) : "\u{FFFD}"
        }
        let isCut = unicodeScalars.dropFirst(limit).isEmpty == false
        return "'" + String(shown) + (isCut ? "…'" : "'")
    }
}

extension Unicode.Scalar {
    fileprivate var isPlain: Bool {
        if isASCII { return value >= 32 && value != 127 }
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .privateUse,
            .unassigned:
            return false
        default: return true
        }
    }
}
