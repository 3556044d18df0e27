/// What a check found: how bad, how often, what to do, and where.
public struct FindingTable: ReportBlock {
    public struct Row: Sendable {
        /// How much it matters; shown as a word, a colour and a shape.
        public enum Mark: String, Sendable { case bad, warning, note, good }

        public var mark: Mark
        public var title: String
        /// The number as it is written.
        public var count: String
        public var advice: String
        /// Where, and what is the matter there.
        public var examples: [(place: String, detail: String)]
        /// Above the examples, such as `the first 20`.
        public var examplesTitle: String

        public init(
            _ mark: Mark, title: String, count: String, advice: String,
            examples: [(place: String, detail: String)] = [], examplesTitle: String = "examples"
        ) {
            self.mark = mark
            self.title = title
            self.count = count
            self.advice = advice
            self.examples = examples
            self.examplesTitle = examplesTitle
        }
    }
    public var rows: [Row]

    public init(_ rows: [Row]) { self.rows = rows }

    public var html: HTML {
        let lines = rows.map { row -> HTML in
            """
            <tr><td><span class="mark \(row.mark.rawValue)">\(row.mark.rawValue)</span></td>\
            <td class="number">\(row.count)</td>\
            <td><b>\(row.title)</b><p>\(row.advice)</p>\(Self.list(row))</td></tr>

            """
        }
        return """
            <div class="scroll"><table class="findings">
            <tbody>
            \(lines)</tbody></table></div>

            """
    }

    private static func list(_ row: Row) -> HTML {
        guard !row.examples.isEmpty else { return "" }
        let items = row.examples.map { example -> HTML in
            let detail = HTML.when(!example.detail.isEmpty, " <span>\(example.detail)</span>")
            return "<li><code>\(example.place)</code>\(detail)</li>\n"
        }
        // A few are read at a glance.
        guard row.examples.count > 2 else { return "<ul>\(items)</ul>" }
        return """
            <details><summary>\(row.examplesTitle)</summary><ul>
            \(items)</ul></details>
            """
    }
}
