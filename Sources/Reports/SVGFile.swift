/// A figure of a report as a file of its own, on white, for papers and slides.
///
/// It needs nothing else: title, legend and colours are inside, without what only browsers know.
public struct SVGFile: Sendable {
    private let content: HTML

    public var markup: String { content.markup }

    /// Curves under their title and legend.
    public init(_ chart: LineChart) {
        let head = 40.0
        let unit = chart.yLabel.isEmpty ? "" : " (\(chart.yLabel))"
        var legend: HTML = ""
        var across = LineChart.Size.left
        for (index, one) in chart.series.enumerated()
        where chart.series.count > 1 && !one.points.isEmpty {
            legend += """
                <path class="line \(chart.look(index))" d="M\(across) 30h20"/>\
                <text class="tick" x="\(across + 25)" y="34">\(one.name)</text>
                """
            // Letters of 12 pixels are about 6.5 wide.
            across += 45 + 6.5 * Double(one.name.count)
        }
        content = Self.file(
            width: max(LineChart.Size.right + 14, across), height: LineChart.Size.height + head,
            """
            <text class="title" x="\(LineChart.Size.left)" y="16">\(chart.title)\(unit)</text>\
            \(legend)<g transform="translate(0 \(head))">\(chart.drawing)</g>
            """)
    }

    /// A map of patches, or of any other cells, over its caption.
    ///
    /// - Throws: `ImageError` if its picture cannot be encoded.
    public init(_ map: PatchMap) throws {
        let (width, height) = (Double(map.columns) * 24, Double(map.rows) * 24)
        content = Self.file(
            width: max(width, 6.5 * Double(map.caption.count)), height: height + 24,
            """
            <svg width="\(width)" height="\(height)">\(try map.html())</svg>\
            <text class="tick" x="0" y="\(height + 17)">\(map.caption)</text>
            """)
    }

    private static func file(width: Double, height: Double, _ body: HTML) -> HTML {
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" \
        width="\(width)" height="\(height)" font-family="sans-serif" font-size="12">
        <style>\(style)</style>
        <rect width="\(width)" height="\(height)" fill="#fff"/>
        \(body)
        </svg>

        """
    }

    private static let style: HTML = """
        .title{font-size:14px;font-weight:600;fill:#1b1c1e}.tick,.label{fill:#666a70}
        .grid{stroke:#e4e4e0;fill:none}.axis{stroke:#666a70;fill:none}
        .line,.raw{fill:none;stroke-width:2;stroke-linejoin:round}.raw{stroke-width:1;opacity:.3}
        .bad{fill:#b3261e}\(PageStyle.curveColors.enumerated().map { index, color -> HTML in
            ".c\(index){stroke:\(color);color:\(color)}"
        })
        .d1{stroke-dasharray:7 4}.d2{stroke-dasharray:2 4}.d3{stroke-dasharray:9 4 2 4}
        .ground{fill:#f0f0ed}.seen{fill:#0b6e69}.hidden,.other{fill:#666a70;fill-opacity:.45}
        .list{fill:currentColor;fill-opacity:.4;stroke:none}.outline,.window{fill:none;stroke-width:1.4}.window{stroke:#fff}
        .mark-text{font-size:4px}.mark-text.light{fill:#fff}.detail{fill:none}
        """
}
