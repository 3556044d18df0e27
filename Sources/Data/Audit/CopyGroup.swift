/// Pictures that are copies of one another.
public struct CopyGroup: Codable, Sendable, Equatable {
    public enum Likeness: String, Codable, Sendable {
        /// The same bytes.
        case exact
        /// The same to the eye: saved again, resized, a little brighter.
        case near
    }

    public struct Member: Codable, Sendable, Equatable {
        public let name: String
        public let part: String
        /// The name of its class; nil without labels.
        public let label: String?
        public let item: AuditItem
    }

    public let likeness: Likeness
    /// All pictures of the group.
    public let count: Int
    /// The first of them.
    public let members: [Member]
    /// Whether they have different labels.
    public let crossesClasses: Bool
    /// Whether they lie in different parts, such as training and validation.
    public let crossesParts: Bool

    /// `a.jpg (cat), b.jpg (dog), … 7 in all`.
    public var text: String {
        let shown = members.prefix(3)
        let names = shown.map { member in
            let label = crossesClasses ? member.label.map { " (\($0))" } ?? "" : ""
            let part = crossesParts ? " [\(member.part)]" : ""
            return member.name + label + part
        }
        let rest = count > shown.count ? ", … \(count) in all" : ""
        return names.joined(separator: ", ") + rest
    }
}
