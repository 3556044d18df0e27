/// A checkpoint holds no encoder that is known, or not all of one.
public struct CheckpointError: Error, Sendable, CustomStringConvertible {
    public struct Kind: Hashable, Sendable {
        let name: String

        /// No family recognises a set of tensors of the file.
        public static let unknownFamily = Kind(name: "unknownFamily")
        /// The file has no such part.
        public static let unknownPart = Kind(name: "unknownPart")
        /// Tensors of the encoder are missing, misshapen or would be ignored.
        public static let incomplete = Kind(name: "incomplete")
        /// There is an encoder, but no classifier that fits it.
        public static let noClassifier = Kind(name: "noClassifier")
        /// The family is known, but there is no model for it here.
        public static let noModel = Kind(name: "noModel")
    }

    public let kind: Kind
    /// The file, what is wrong with it, what to do.
    public let description: String
    /// What was loaded and what was not, where it came that far.
    public let report: CoverageReport?

    package init(_ kind: Kind, _ description: String, report: CoverageReport? = nil) {
        self.kind = kind
        self.description = description
        self.report = report
    }
}
