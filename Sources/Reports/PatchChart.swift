/// One map of patches in a frame with a title and, for shades, their scale.
public struct PatchChart: ReportBlock {
    private let map: HTML
    public var title: String
    /// What the shades mean; nil for none.
    public var legend: ColorLegend?
    /// A sentence under the map; empty for none.
    public var note: String

    /// Draws the map; throws `ImageError` if its picture cannot be encoded.
    public init(_ map: PatchMap, title: String, legend: ColorLegend? = nil, note: String = "")
        throws
    {
        self.map = try map.html()
        self.title = title
        self.legend = legend
        self.note = note
    }

    public var html: HTML {
        """
        <figure class="chart">
        <figcaption><h3>\(title)</h3>\(legend?.html ?? "")</figcaption>
        \(map)
        \(HTML.when(!note.isEmpty, "<p class=\"note\">\(note)</p>"))
        </figure>

        """
    }
}
