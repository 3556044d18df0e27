import Foundation
public import Imaging

/// A grid of patches, each drawn by what a mask makes of it, perhaps over the picture itself.
public struct PatchMap: Sendable {
    /// Patches that are drawn alike.
    public struct Layer: Sendable {
        public enum Look: Sendable, Equatable {
            /// What the encoder sees: full colour, or the bare picture.
            case seen
            /// What is hidden and predicted: grey, or a cover over the picture.
            case hidden
            /// One of several lists: a translucent colour with an outline, so that lists which
            /// overlap can be told apart; 0 to 4, then the same again.
            case list(Int)
        }
        public var look: Look
        /// Numbers of patches, counted row by row from the top left.
        public var patches: [Int]

        public init(_ look: Look, _ patches: [Int]) {
            self.look = look
            self.patches = patches
        }
    }
    public var rows: Int
    public var columns: Int
    /// Drawn one over the other; patches of none stay empty.
    public var layers: [Layer]
    /// For each patch a number from 0 to 1 that is shown as a colour, or nil; empty for no colours.
    public var shades: [Double?] = []
    /// Text within the patches; empty for none.
    public var texts: [String] = []
    /// What is shown for the patch under the pointer; empty for nothing.
    public var details: [String] = []
    /// Patches along the side of a window, around which lines are drawn; nil for no windows.
    public var window: Int?
    /// What lies under the patches.
    public var picture: ImageBuffer?
    /// Below the map; empty for none.
    public var caption = ""
    /// What a reader who cannot see the map is told.
    public var summary: String

    /// A map without colours, texts and picture.
    ///
    /// - Parameters:
    ///   - rows: patches from top to bottom.
    ///   - columns: patches from left to right.
    ///   - layers: drawn one over the other.
    ///   - summary: what a reader who cannot see the map is told.
    public init(rows: Int, columns: Int, layers: [Layer], summary: String) {
        if rows <= 0 || columns <= 0 { fatalError("PatchMap: \(rows) x \(columns) patches") }
        self.rows = rows
        self.columns = columns
        self.layers = layers
        self.summary = summary
    }

    // MARK: Drawing

    /// The side of a patch in the drawing, and the gap around it.
    private static let side = 10.0
    private static let gap = 0.4

    func html() throws -> HTML {
        let (width, height) = (Double(columns) * Self.side, Double(rows) * Self.side)
        var body: HTML = "<rect class=\"ground\" width=\"\(width)\" height=\"\(height)\"/>"
        if let picture {
            let data = HTML(markup: Data(try picture.encodedPNG()).base64EncodedString())
            body += """
                <image width="\(width)" height="\(height)" preserveAspectRatio="none" \
                href="data:image/png;base64,\(data)"/>
                """
            // What no layer names is covered, too.
            let named = Set(layers.flatMap(\.patches))
            body += cells((0..<rows * columns).filter { !named.contains($0) }, "other", gap: 0)
        }
        for layer in layers {
            switch layer.look {
            case .seen: if picture == nil { body += cells(layer.patches, "seen") }
            case .hidden:
                body += cells(layer.patches, "hidden", gap: picture == nil ? Self.gap : 0)
            case .list(let index):
                let color = "c\(index % 5 + 1)"
                body += cells(layer.patches, "list \(color)")
                body += "<path class=\"outline \(color)\" d=\"\(outline(layer.patches))\"/>"
            }
        }
        body += shadeCells
        body += windowLines
        body += textMarks
        body += detailAreas
        return """
            <svg class="patches\(HTML.when(picture != nil, " over"))" \
            viewBox="0 0 \(width) \(height)" role="img" aria-label="\(summary)">\(body)</svg>
            """
    }

    private func place(_ patch: Int) -> (x: Double, y: Double) {
        (Double(patch % columns) * Self.side, Double(patch / columns) * Self.side)
    }

    /// Squares as one path.
    private func cells(_ patches: [Int], _ look: String, gap: Double = Self.gap) -> HTML {
        guard !patches.isEmpty else { return "" }
        let size = HTML.coordinate(Self.side - 2 * gap)
        var path = ""
        for patch in patches {
            let (x, y) = place(patch)
            path += "M\(HTML.coordinate(x + gap)) \(HTML.coordinate(y + gap))"
            path += "h\(size)v\(size)h-\(size)z"
        }
        return "<path class=\"\(look)\" d=\"\(HTML(markup: path))\"/>"
    }

    /// The edges between patches of the list and others.
    private func outline(_ patches: [Int]) -> HTML {
        let inside = Set(patches)
        var path = ""
        for patch in patches.sorted() {
            let (x, y) = place(patch)
            let (row, column) = (patch / columns, patch % columns)
            func isEdge(_ down: Int, _ across: Int) -> Bool {
                let (r, c) = (row + down, column + across)
                let isOnGrid = (0..<rows).contains(r) && (0..<columns).contains(c)
                return !isOnGrid || !inside.contains(r * columns + c)
            }
            let side = HTML.coordinate(Self.side)
            func line(_ x: Double, _ y: Double, _ direction: String) {
                path += "M\(HTML.coordinate(x)) \(HTML.coordinate(y))\(direction)\(side)"
            }
            if isEdge(-1, 0) { line(x, y, "h") }
            if isEdge(1, 0) { line(x, y + Self.side, "h") }
            if isEdge(0, -1) { line(x, y, "v") }
            if isEdge(0, 1) { line(x + Self.side, y, "v") }
        }
        return HTML(markup: path)
    }

    private var shadeCells: HTML {
        var result: HTML = ""
        for (patch, shade) in shades.enumerated() {
            guard let shade else { continue }
            let (x, y) = place(patch)
            let size = Self.side - 2 * Self.gap
            result += """
                <rect x="\(x + Self.gap)" y="\(y + Self.gap)" width="\(size)" height="\(size)" \
                fill="\(ColorMap.standard[shade].hex)"/>
                """
        }
        return result
    }

    private var windowLines: HTML {
        guard let window, window > 1 else { return "" }
        let (width, height) = (Double(columns) * Self.side, Double(rows) * Self.side)
        var path = ""
        for column in stride(from: window, to: columns, by: window) {
            path += "M\(HTML.coordinate(Double(column) * Self.side)) 0V\(HTML.coordinate(height))"
        }
        for row in stride(from: window, to: rows, by: window) {
            path += "M0 \(HTML.coordinate(Double(row) * Self.side))H\(HTML.coordinate(width))"
        }
        return "<path class=\"window\" d=\"\(HTML(markup: path))\"/>"
    }

    private var textMarks: HTML {
        var result: HTML = ""
        for (patch, text) in texts.enumerated() where !text.isEmpty {
            let (x, y) = place(patch)
            let shade = patch < shades.count ? shades[patch] : nil
            let look = shade.map { $0 > 0.55 ? " dark" : " light" } ?? ""
            result += """
                <text class="mark-text\(HTML(markup: look))" x="\(x + Self.side / 2)" \
                y="\(y + Self.side / 2)" dy=".35em" text-anchor="middle">\(text)</text>
                """
        }
        return result
    }

    private var detailAreas: HTML {
        var result: HTML = ""
        for (patch, detail) in details.enumerated() where !detail.isEmpty {
            let (x, y) = place(patch)
            result += """
                <rect class="detail" x="\(x)" y="\(y)" width="\(Self.side)" height="\(Self.side)">\
                <title>\(detail)</title></rect>
                """
        }
        return result
    }
}
