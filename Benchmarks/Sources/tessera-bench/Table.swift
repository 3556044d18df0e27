import Foundation

/// Aligned columns for people.
enum Table {
    static let header = row("benchmark", "ours", "peer", "ratio", "unit")

    static func row(_ result: Result) -> String {
        row(
            result.name, number(result.ours), number(result.peer),
            result.ratio.map { String(format: "%.2f", $0) } ?? "-", result.unit)
    }

    private static func row(
        _ name: String, _ ours: String, _ peer: String, _ ratio: String, _ unit: String
    ) -> String {
        func right(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        let left = name + String(repeating: " ", count: max(0, 40 - name.count))
        return left + right(ours, 12) + right(peer, 12) + right(ratio, 8) + "  " + unit
    }

    /// Four significant digits.
    private static func number(_ value: Double?) -> String {
        guard let value else { return "-" }
        if value == 0 { return "0" }
        let digits = max(0, 3 - Int(log10(abs(value)).rounded(.down)))
        return String(format: "%.\(digits)f", value)
    }
}
