import Foundation
import TensorFiles

extension CoverageReport: CustomStringConvertible {
    /// The report as lines; the first says the family and how much was loaded.
    public var description: String { lines(listing: 8).joined(separator: "\n") }

    /// What people have to know of a checkpoint that was loaded: a line and what was assumed, or, where it is
    /// not complete, everything.
    public var brief: String {
        guard isComplete else { return description }
        return ([summary] + notes.map { "  \($0)" }).joined(separator: "\n")
    }

    /// One line: `mae.pth: mae, 100 % of 21.6 M numbers of the encoder at model; 3 tensors resized`.
    public var summary: String {
        var facts = [
            "\(file): \(family), \(percent) of the encoder's \(elementCount) numbers, from \(place)"
        ]
        func count(_ count: Int, _ what: String) {
            if count > 0 { facts.append("\(count) \(what)") }
        }
        count(loaded.count { $0.isRenamed }, "renamed")
        count(loaded.count { $0.resized != nil }, "resized")
        count(loaded.count { $0.converted != nil }, "converted to another type")
        count(missing.count, "missing")
        count(strays.count, "not understood")
        count(unused.reduce(0) { $0 + $1.names.count }, "unused")
        return facts.joined(separator: "; ")
    }

    /// `100 %`; never 100 where something is missing.
    var percent: String {
        let value = coverage * 100
        return value == 100
            ? "100 %" : String(format: "%.1f %%", min(99.9, value))
    }

    /// The summary, then what was resized, converted, missing, unused; at most `count` names each.
    public func lines(listing count: Int) -> [String] {
        var lines = [summary]
        func list(_ title: String, _ items: [String]) {
            guard !items.isEmpty else { return }
            var text = items.prefix(count).joined(separator: ", ")
            if items.count > count { text += ", … \(items.count) in all" }
            lines.append("  \(title): \(text)")
        }
        let resizes = Dictionary(grouping: loaded.filter { $0.resized != nil }) {
            $0.resized ?? ""
        }
        for (how, tensors) in resizes.sorted(by: { $0.key < $1.key }) {
            list("resized \(how)", tensors.map(\.name))
        }
        let conversions = Dictionary(grouping: loaded.filter { $0.converted != nil }) {
            "\($0.dtype) to \($0.converted ?? "")"
        }
        for (how, tensors) in conversions.sorted(by: { $0.key < $1.key }) {
            lines.append("  converted from \(how): \(tensors.count) tensors")
        }
        let forms = Dictionary(grouping: loaded.filter { $0.form != nil }) { $0.form ?? "" }
        for (how, tensors) in forms.sorted(by: { $0.key < $1.key }) {
            list(how, tensors.map { "\($0.name) from \($0.sources.joined(separator: " + "))" })
        }
        list("computed, not stored", computed)
        list(
            "missing",
            missing.map { "\($0.name) \($0.shape)" + ($0.reason.map { " (\($0))" } ?? "") })
        list(
            "not understood",
            strays.map { stray in
                "\(stray.name.withoutControls) \(stray.shape)"
                    + (stray.nearest.map { " (the model has \($0))" } ?? "")
            })
        for part in unused { list("unused, \(part.meaning)", part.names.map(\.withoutControls)) }
        for note in notes { lines.append("  \(note)") }
        return lines
    }
}

extension String {
    /// The text as it may stand in a terminal, whatever a file calls its tensors.
    fileprivate var withoutControls: String {
        String(
            unicodeScalars.map { scalar in
                scalar.properties.generalCategory == .control ? "\u{FFFD}" : Character(scalar)
            })
    }
}
