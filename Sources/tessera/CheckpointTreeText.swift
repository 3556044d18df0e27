import Foundation
import TensorFiles

/// A tree of modules as lines: name, numbers, bytes, what is below.
struct CheckpointTreeText {
    /// Levels that are shown; nil for all.
    var depth: Int?
    /// Adds mean, deviation and range of each tensor.
    var hasStatistics = false

    private struct Row {
        let label: String
        let count: String
        let bytes: String
        let detail: String
    }

    func lines(_ tree: CheckpointTree) -> [String] {
        var rows: [Row] = []
        for node in tree.roots { add(node, level: 0, to: &rows) }
        func width(_ text: (Row) -> String) -> Int { rows.map { text($0).count }.max() ?? 0 }
        let widths = (width(\.label), width(\.count), width(\.bytes))
        return rows.map { row in
            "  " + row.label.padded(to: widths.0) + "  " + row.count.leftPadded(to: widths.1) + "  "
                + row.bytes.leftPadded(to: widths.2) + "  " + row.detail
        }
    }

    private func add(_ node: CheckpointTree.Node, level: Int, to rows: inout [Row]) {
        var label = node.label
        var node = node
        if node.repeats == 1, node.children.count == 1, let only = node.children.first {
            // A module of one tensor has no line of its own.
            label += "." + only.label
            node = only
        }
        if label.isEmpty { label = "(without a name)" }
        let each =
            node.repeats == 1
            ? readableCount(node.count)
            : "\(node.repeats) × \(readableCount(node.count / node.repeats))"
        rows.append(
            Row(
                label: String(repeating: "  ", count: level) + label.withoutControlCharacters,
                count: each, bytes: readableBytes(node.byteCount), detail: detail(node)))
        if let depth, level + 1 >= depth { return }
        for child in node.children { add(child, level: level + 1, to: &rows) }
    }

    private func detail(_ node: CheckpointTree.Node) -> String {
        guard let tensor = node.tensor else {
            let types = node.types.map(\.torchName).joined(separator: ", ")
            let tensors = node.tensorCount == 1 ? "1 tensor" : "\(node.tensorCount) tensors"
            return "\(tensors), \(types)"
        }
        guard hasStatistics else { return "\(tensor)" }
        let facts = TensorStatistics(tensor)
        var text = "\(tensor)"
        if let mean = facts.mean, let deviation = facts.standardDeviation {
            text += "  mean \(short(mean)) std \(short(deviation))"
        }
        if let min = facts.min, let max = facts.max {
            text += " min \(short(min)) max \(short(max))"
        }
        if facts.nanCount > 0 { text += "  NaN \(grouped(facts.nanCount))" }
        if facts.infinityCount > 0 { text += "  Inf \(grouped(facts.infinityCount))" }
        return text
    }

    private func short(_ value: Double) -> String { String(format: "%.4g", value) }
}

extension String {
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }

    func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }

    /// The text as it may stand in a terminal, whatever a file calls its tensors.
    var withoutControlCharacters: String {
        String(
            unicodeScalars.map { scalar in
                scalar.properties.generalCategory == .control ? "\u{FFFD}" : Character(scalar)
            })
    }
}
