/// Something that a report shows: a chart, a table, pictures.
public protocol ReportBlock: Sendable {
    var html: HTML { get }
}

/// A paragraph.
public struct Paragraph: ReportBlock {
    public var text: String

    public init(_ text: String) { self.text = text }

    public var html: HTML { "<p>\(text)</p>\n" }
}

/// Blocks side by side, two to a row where the window is wide enough.
public struct SideBySide: ReportBlock {
    public var blocks: [any ReportBlock]

    public init(_ blocks: [any ReportBlock]) { self.blocks = blocks }

    public var html: HTML { "<div class=\"pair\">\n\(blocks.map(\.html))</div>\n" }
}

/// Blocks that the reader opens by a click.
public struct Folded: ReportBlock {
    public var title: String
    public var blocks: [any ReportBlock]

    public init(_ title: String, _ blocks: [any ReportBlock]) {
        self.title = title
        self.blocks = blocks
    }

    public var html: HTML {
        "<details><summary>\(title)</summary>\n\(blocks.map(\.html))</details>\n"
    }
}
