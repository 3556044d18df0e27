/// Something that an audit found in a data set: how often, where, and what to do about it.
public struct Finding: Codable, Sendable, Equatable {
    /// A picture, or another entry, that shows it.
    public struct Example: Codable, Sendable, Equatable {
        public let name: String
        /// What is the matter with this one; empty where the finding says it all.
        public let detail: String
        /// nil for what is no picture of the data set.
        public let item: AuditItem?

        public init(_ name: String, _ detail: String = "", item: AuditItem? = nil) {
            (self.name, self.detail, self.item) = (name, detail, item)
        }
    }

    public let kind: FindingKind
    public let severity: FindingKind.Severity
    public let title: String
    public let count: Int
    /// The first of them in the order of the data set.
    public let examples: [Example]
    public let advice: String

    init(_ kind: FindingKind, count: Int, examples: [Example], advice: String? = nil) {
        (self.kind, self.severity, self.title) = (kind, kind.severity, kind.title)
        (self.count, self.examples) = (count, examples)
        self.advice = advice ?? kind.advice
    }
}
