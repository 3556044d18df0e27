/// Names with a bar and a number each, one below the other: classes, formats.
public struct BarList: ReportBlock {
    public struct Row: Sendable {
        public var name: String
        public var value: Double
        /// The number as it is written.
        public var text: String

        public init(_ name: String, _ value: Double, text: String) {
            self.name = name
            self.value = value
            self.text = text
        }
    }
    public var title: String
    public var rows: [Row]
    /// A sentence under the list; empty for none.
    public var note: String

    public init(title: String, rows: [Row], note: String = "") {
        self.title = title
        self.rows = rows
        self.note = note
    }

    public var html: HTML {
        let most = rows.map(\.value).filter(\.isFinite).max() ?? 0
        let lines = rows.map { row -> HTML in
            let share = most > 0 ? max(row.value, 0) / most * 100 : 0
            return """
                <span>\(row.name)</span><i style="width:\(share)%"></i><b>\(row.text)</b>

                """
        }
        return """
            <figure class="chart">
            <figcaption><h3>\(title)</h3></figcaption>
            <div class="bars">
            \(lines)</div>
            \(HTML.when(!note.isEmpty, "<p class=\"note\">\(note)</p>"))
            </figure>

            """
    }
}
