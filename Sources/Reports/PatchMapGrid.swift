/// Maps of patches side by side, under a key to their colours.
public struct PatchMapGrid: ReportBlock {
    /// What a look of the maps means.
    public struct Key: Sendable {
        public var look: PatchMap.Layer.Look?
        public var name: String

        /// - Parameters:
        ///   - look: the look that is explained; nil for patches of no layer.
        ///   - name: what it means.
        public init(_ look: PatchMap.Layer.Look?, _ name: String) {
            self.look = look
            self.name = name
        }
    }
    private let maps: [(body: HTML, caption: String)]
    /// Above the maps; empty for none.
    public var keys: [Key]
    /// The colours of shaded patches; nil for none.
    public var legend: ColorLegend?
    /// Whether maps need room, for their texts.
    public var isLarge: Bool
    private let isOverPictures: Bool

    /// Draws the maps.
    ///
    /// - Parameters:
    ///   - maps: drawn in order.
    ///   - keys: what the looks mean.
    ///   - legend: what the colours of shaded patches mean.
    ///   - isLarge: two in a row at most, instead of as many as fit.
    /// - Throws: `ImageError` if a picture cannot be encoded.
    public init(
        _ maps: [PatchMap], keys: [Key] = [], legend: ColorLegend? = nil, isLarge: Bool = false
    ) throws {
        self.maps = try maps.map { (try $0.html(), $0.caption) }
        self.keys = keys
        self.legend = legend
        self.isLarge = isLarge
        isOverPictures = maps.contains { $0.picture != nil }
    }

    public var html: HTML {
        let figures = maps.map { map -> HTML in
            let caption: HTML = "<figcaption>\(map.caption)</figcaption>"
            return """
                <figure class="sample">\(map.body)\(HTML.when(!map.caption.isEmpty, caption))</figure>

                """
        }
        return """
            \(HTML.when(!keys.isEmpty, keyList))\(legend?.html ?? "")\
            <div class="\(isLarge ? "maps large" : "maps")">
            \(figures)</div>

            """
    }

    private var keyList: HTML {
        let items = keys.map { key -> HTML in
            let look =
                switch key.look {
                case .seen: isOverPictures ? "bare" : "seen"
                case .hidden: "hidden"
                case .list(let index): "list c\(index % 5 + 1)"
                case nil: "other"
                }
            return "<li><i class=\"\(look)\"></i>\(key.name)</li>"
        }
        return "<ul class=\"map-keys\(HTML.when(isOverPictures, " over"))\">\(items)</ul>\n"
    }
}
