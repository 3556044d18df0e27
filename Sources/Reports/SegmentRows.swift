/// Rows of places, parts of which are taken: packed sequences, for instance.
public struct SegmentRows: ReportBlock {
    public struct Segment: Sendable {
        public var range: Range<Int>
        /// Segments of one number have one colour, 0 to 4, then the same again; nil is grey.
        public var group: Int?
        /// What is shown for the segment under the pointer.
        public var detail: String

        public init(_ range: Range<Int>, group: Int?, detail: String) {
            self.range = range
            self.group = group
            self.detail = detail
        }
    }
    public struct Row: Sendable {
        /// Left of the row; empty for none.
        public var name: String
        public var segments: [Segment]
        /// A thin row belongs to the one above it.
        public var isThin: Bool

        public init(name: String, segments: [Segment], isThin: Bool = false) {
            self.name = name
            self.segments = segments
            self.isThin = isThin
        }
    }
    public var title: String
    /// Places of a row.
    public var length: Int
    /// Where a line is drawn, between one area of places and the next; nil for none.
    public var border: Int?
    public var rows: [Row]
    /// A sentence under the chart; empty for none.
    public var note: String

    public init(title: String, length: Int, border: Int? = nil, rows: [Row], note: String = "") {
        self.title = title
        self.length = length
        self.border = border
        self.rows = rows
        self.note = note
    }

    private enum Size {
        static let left = 26.0
        static let right = 1000.0
        static let row = 26.0
        static let thin = 8.0
        static let gap = 8.0
    }

    public var html: HTML {
        """
        <figure class="chart">
        <figcaption><h3>\(title)</h3></figcaption>
        \(rows.isEmpty || length <= 0 ? "<p class=\"empty\">There is nothing to show.</p>" : drawing)
        \(HTML.when(!note.isEmpty, "<p class=\"note\">\(note)</p>"))
        </figure>

        """
    }

    private func position(_ place: Int) -> Double {
        Size.left + Double(place) / Double(length) * (Size.right - Size.left)
    }

    private var drawing: HTML {
        var top = 0.0
        var body: HTML = ""
        for (index, row) in rows.enumerated() {
            let height = row.isThin ? Size.thin : Size.row
            if index > 0 { top += row.isThin ? 2 : Size.gap }
            body += """
                <rect class="ground" x="\(Size.left)" y="\(top)" \
                width="\(Size.right - Size.left)" height="\(height)"/>
                """
            if !row.name.isEmpty {
                body += """
                    <text class="tick" x="\(Size.left - 8)" y="\(top + height / 2)" dy=".35em" \
                    text-anchor="end">\(row.name)</text>
                    """
            }
            for segment in row.segments {
                let (from, to) = (
                    position(segment.range.lowerBound), position(segment.range.upperBound)
                )
                let look = segment.group.map { "bar c\($0 % 5 + 1)" } ?? "taken"
                body += """
                    <rect class="\(look)" x="\(from + 0.5)" y="\(top)" \
                    width="\(max(to - from - 1, 0.5))" height="\(height)">\
                    <title>\(segment.detail)</title></rect>
                    """
            }
            top += height
        }
        if let border {
            body += "<path class=\"border\" d=\"M\(position(border)) 0V\(top)\"/>"
        }
        let count = rows.count { !$0.isThin }
        return """
            <svg viewBox="0 0 \(Size.right) \(top)" role="img" \
            aria-label="\(title): \(count) rows of \(length) places">\(body)</svg>
            """
    }
}
