import Foundation

/// How many fall into each of some bins, as upright bars in inline SVG.
public struct BarChart: ReportBlock {
    public struct Bar: Sendable {
        /// Under the bar.
        public var label: String
        public var value: Double
        /// What is shown for the bar under the pointer.
        public var detail: String

        public init(_ label: String, _ value: Double, detail: String = "") {
            self.label = label
            self.value = value
            self.detail = detail
        }
    }
    public var title: String
    public var xLabel: String
    public var yLabel: String
    public var bars: [Bar]
    /// A sentence under the chart; empty for none.
    public var note: String

    public init(
        title: String, xLabel: String, yLabel: String = "", bars: [Bar], note: String = ""
    ) {
        self.title = title
        self.xLabel = xLabel
        self.yLabel = yLabel
        self.bars = bars
        self.note = note
    }

    private enum Size {
        static let height = 300.0
        static let left = 54.0
        static let right = 546.0
        static let top = 14.0
        static let bottom = 254.0
        /// A label needs about so many units for each of its characters.
        static let character = 7.5
    }

    public var html: HTML {
        """
        <figure class="chart">
        <figcaption><h3>\(title)\(HTML.when(!yLabel.isEmpty, " <small>\(yLabel)</small>"))</h3></figcaption>
        \(bars.contains { $0.value > 0 } ? drawing : "<p class=\"empty\">Nothing was counted.</p>")
        \(HTML.when(!note.isEmpty, "<p class=\"note\">\(note)</p>"))
        </figure>

        """
    }

    private var drawing: HTML {
        // Bars stand on zero, so the axis has to begin there.
        let y = Axis(
            [0, bars.map(\.value).filter(\.isFinite).max() ?? 1], scale: .linear, padded: true,
            pixels: (Size.bottom, Size.top))
        let ticks = y.ticks(5)
        var result: HTML = ""
        for (value, label) in zip(ticks.values, ticks.labels) {
            guard let at = y.position(value) else { continue }
            result += """
                <path class="grid" d="M\(Size.left) \(at)H\(Size.right)"/>\
                <text class="tick" x="\(Size.left - 8)" y="\(at)" dy=".35em" \
                text-anchor="end">\(label)</text>
                """
        }
        let step = (Size.right - Size.left) / Double(bars.count)
        let gap = min(step * 0.12, 6)
        let widest = Double((bars.map(\.label.count).max() ?? 1) + 1) * Size.character
        let every = max(1, Int((widest / step).rounded(.up)))
        for (index, bar) in bars.enumerated() {
            let start = Size.left + Double(index) * step
            let top = y.position(max(bar.value, 0)) ?? Size.bottom
            let text = bar.detail.isEmpty ? "\(bar.label): \(Ticks.short(bar.value))" : bar.detail
            // Small but not nothing: at least one unit high.
            let height = bar.value > 0 ? max(Size.bottom - top, 1) : 0
            result += """
                <rect class="bar c0" x="\(start + gap / 2)" y="\(Size.bottom - height)" \
                width="\(step - gap)" height="\(height)" rx="\(min(2, height / 2))">\
                <title>\(text)</title></rect>
                """
            guard index % every == 0 else { continue }
            result += """
                <text class="tick" x="\(start + step / 2)" y="\(Size.bottom + 19)" \
                text-anchor="middle">\(bar.label)</text>
                """
        }
        let middle = (Size.left + Size.right) / 2
        return """
            <svg viewBox="0 0 560 300" role="img" aria-label="\(summary)">
            \(result)<path class="axis" d="M\(Size.left) \(Size.bottom)H\(Size.right)"/>\
            <text class="label" x="\(middle)" y="\(Size.height - 6)" \
            text-anchor="middle">\(xLabel)</text></svg>
            """
    }

    /// What a reader who cannot see the chart is told.
    var summary: String {
        let largest = bars.max { $0.value < $1.value }
        return "\(title): \(bars.count) bins"
            + (largest.map { ", most at \($0.label): \(Ticks.short($0.value))" } ?? "")
    }
}
