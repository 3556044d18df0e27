import Foundation

/// Curves over a common x as inline SVG, with axes, grid, legend and, on hover, the values.
public struct LineChart: ReportBlock {
    public var title: String
    public var xLabel: String
    public var yLabel: String
    public var yScale: AxisScale
    public var series: [Series]
    /// A sentence under the chart; empty for none.
    public var note: String

    public init(
        title: String, xLabel: String, yLabel: String = "", yScale: AxisScale = .linear,
        series: [Series], note: String = ""
    ) {
        self.title = title
        self.xLabel = xLabel
        self.yLabel = yLabel
        self.yScale = yScale
        self.series = series
        self.note = note
    }

    enum Size {
        static let width = 560.0
        static let height = 300.0
        static let left = 54.0
        static let right = 546.0
        static let top = 14.0
        static let bottom = 254.0
        /// More points than pixels show nothing more.
        static let points = 800
        static let marks = 40
    }

    public var html: HTML {
        """
        <figure class="chart">
        <figcaption><h3>\(title)\(HTML.when(!yLabel.isEmpty, " <small>\(yLabel)</small>"))</h3>\(legend)</figcaption>
        \(hasValues ? drawing : "<p class=\"empty\">No finite values were recorded.</p>")
        \(HTML.when(!note.isEmpty, "<p class=\"note\">\(note)</p>"))
        </figure>

        """
    }

    private var hasValues: Bool {
        series.contains { $0.points.contains { $0.y.isFinite && (yScale == .linear || $0.y > 0) } }
    }

    private var legend: HTML {
        guard series.count > 1 || series.contains(where: { $0.smoothing > 0 }) else { return "" }
        let entries = series.enumerated().filter { !$1.points.isEmpty }.map { index, one -> HTML in
            let remark = HTML.when(one.smoothing > 0, " <small>smoothed</small>")
            return "<li><i class=\"key \(look(index))\"></i>\(one.name)\(remark)</li>"
        }
        return "<ul class=\"legend\">\(entries)</ul>"
    }

    /// Colour and dash pattern, so that neither alone tells curves apart.
    func look(_ index: Int) -> String { "c\(index % 6) d\(index % 4)" }

    var drawing: HTML {
        let points = series.flatMap(\.points)
        let x = Axis(
            points.map(\.x), scale: .linear, padded: false, pixels: (Size.left, Size.right))
        let y = Axis(
            points.map(\.y), scale: yScale, padded: true, pixels: (Size.bottom, Size.top))
        let curves = series.indices.map { curve(series[$0], look($0), x, y) }
        return """
            <svg viewBox="0 0 560 300" width="560" height="300" role="img" \
            aria-label="\(summary)" data-x="\(xLabel)" data-frame="\(Size.left) \(Size.right) \(Size.top) \(Size.bottom)">
            \(grid(x, y))\(curves)<g class="hover"></g></svg>
            """
    }

    /// What a reader who cannot see the chart is told.
    var summary: String {
        let parts = series.compactMap { one -> String? in
            let finite = one.points.filter(\.y.isFinite)
            guard let first = finite.first, let last = finite.last else { return nil }
            return "\(one.name) from \(Ticks.short(first.y)) to \(Ticks.short(last.y))"
                + " at \(xLabel) \(Ticks.short(last.x))"
        }
        return "\(title): " + parts.joined(separator: "; ")
    }

    private func grid(_ x: Axis, _ y: Axis) -> HTML {
        let horizontal = y.ticks(5)
        let vertical = x.ticks(mostTicks(x))
        var result: HTML = ""
        for (value, label) in zip(horizontal.values, horizontal.labels) {
            guard let at = y.position(value) else { continue }
            result += """
                <path class="grid" d="M\(Size.left) \(at)H\(Size.right)"/>\
                <text class="tick" x="\(Size.left - 8)" y="\(at)" dy=".35em" \
                text-anchor="end">\(label)</text>
                """
        }
        for (value, label) in zip(vertical.values, vertical.labels) {
            guard let at = x.position(value) else { continue }
            result += """
                <path class="axis" d="M\(at) \(Size.bottom)v5"/>\
                <text class="tick" x="\(at)" y="\(Size.bottom + 19)" \
                text-anchor="\(at > Size.right - 12 ? "end" : "middle")">\(label)</text>
                """
        }
        let middle = (Size.left + Size.right) / 2
        result += """
            <path class="axis" d="M\(Size.left) \(Size.bottom)H\(Size.right)"/>\
            <text class="label" x="\(middle)" y="\(Size.height - 6)" \
            text-anchor="middle">\(xLabel)</text>
            """
        return result
    }

    /// Whole numbers, such as blocks, have no ticks between them.
    private func mostTicks(_ x: Axis) -> Int {
        let isWhole = series.allSatisfy { $0.points.allSatisfy { $0.x == $0.x.rounded() } }
        let span = x.range.upperBound - x.range.lowerBound
        return isWhole && span < 6 ? max(Int(span), 1) : 6
    }

    private func curve(_ one: Series, _ look: String, _ x: Axis, _ y: Axis) -> HTML {
        var result: HTML = ""
        var main = Series.thinned(one.points, to: Size.points)
        if one.smoothing > 0 {
            result += "<path class=\"raw \(look)\" d=\"\(path(main, x, y))\"/>"
            main = Series.thinned(one.smoothed, to: Size.points)
        }
        result += """
            <path class="line \(look)" data-name="\(one.name)" \
            data-p="\(values(main, y))" d="\(path(main, x, y))"/>
            """
        // Where the value was NaN or infinite: a mark on the x axis.
        for point in one.points.lazy.filter({ !$0.y.isFinite }).prefix(Size.marks) {
            guard let at = x.position(point.x) else { continue }
            result += """
                <path class="bad" d="M\(at) \(Size.bottom)l-4 7h8z"><title>\
                \(one.name) is \(Ticks.short(point.y)) at \(xLabel) \(Ticks.short(point.x))\
                </title></path>
                """
        }
        return result
    }

    /// Lines between neighbours; a new start after each gap; a dot for a point between gaps.
    private func path(_ points: [Series.Point], _ x: Axis, _ y: Axis) -> HTML {
        var markup = ""
        var isOpen = false
        for (index, point) in points.enumerated() {
            guard let across = x.position(point.x), let up = y.position(point.y) else {
                isOpen = false
                continue
            }
            let place = "\(HTML.coordinate(across)) \(HTML.coordinate(up))"
            markup += isOpen ? "L\(place)" : "M\(place)"
            let next = index + 1 < points.count ? y.position(points[index + 1].y) : nil
            if !isOpen, next == nil { markup += "h0" }
            isOpen = true
        }
        return HTML(markup: markup)
    }

    /// `x y` pairs for the hover display, five significant digits.
    private func values(_ points: [Series.Point], _ y: Axis) -> HTML {
        let pairs = points.filter { y.position($0.y) != nil }.map { point in
            String(format: "%.7g %.5g", point.x, point.y)
        }
        return HTML(markup: pairs.joined(separator: ","))
    }
}
