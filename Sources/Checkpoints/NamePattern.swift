/// A name of a tensor in which numbers and last parts are left open: `blocks.*.norm1.%`.
///
/// Names are compared part by part: `*` stands for a number, `%` for any one part, such as `weight`
/// or `bias`. `#` stands for a number that says nothing and is forgotten: such a name can be read, but
/// not be written.
struct NamePattern: Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    private let parts: [Substring]
    let description: String

    init(_ text: String) {
        description = text
        parts = text.split(separator: ".", omittingEmptySubsequences: false)
    }

    init(stringLiteral text: String) {
        self.init(text)
    }

    /// What stands for the open parts of `name`, or nil where it is another name.
    func match(_ name: [Substring]) -> [Substring]? {
        guard name.count == parts.count else { return nil }
        var captured: [Substring] = []
        for (part, found) in zip(parts, name) {
            switch part {
            case "*", "#":
                guard !found.isEmpty, found.utf8.allSatisfy({ (48...57).contains($0) }) else {
                    return nil
                }
                if part == "*" { captured.append(found) }
            case "%":
                guard !found.isEmpty else { return nil }
                captured.append(found)
            default:
                guard part == found else { return nil }
            }
        }
        return captured
    }

    /// Whether a part of a name is forgotten.
    var forgets: Bool { parts.contains("#") }

    /// The name with its open parts filled in, in their order.
    func filled(_ captured: [Substring]) -> String {
        var rest = captured[...]
        return parts.map { part in
            part == "*" || part == "%" ? rest.popFirst() ?? part : part
        }
        .joined(separator: ".")
    }
}
