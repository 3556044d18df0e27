/// A report as one HTML file that needs nothing else: no network, no other file, no script to be
/// read (a few lines of script show values under the pointer).
///
/// ```swift
/// var page = ReportPage(title: "runs/first", subtitle: "MAE, ViT-Tiny/4")
/// page.cards = [Card("k-NN", value: "85.9", unit: "%")]
/// page.add("Training", [LineChart(title: "Loss", xLabel: "step", series: [loss])])
/// try page.html.markup.write(toFile: "report.html", atomically: true, encoding: .utf8)
/// ```
public struct ReportPage: Sendable {
    public var title: String
    public var subtitle: String
    /// When and by what the report was made; in the foot.
    public var colophon: String
    public var cards: [Card] = []
    private var sections: [Section] = []

    private struct Section {
        let title: String
        let lead: String
        let blocks: [any ReportBlock]
    }

    public init(title: String, subtitle: String = "", colophon: String = "") {
        self.title = title
        self.subtitle = subtitle
        self.colophon = colophon
    }

    /// Appends a section; `lead` is a sentence under its title.
    public mutating func add(_ title: String, lead: String = "", _ blocks: [any ReportBlock]) {
        sections.append(Section(title: title, lead: lead, blocks: blocks))
    }

    public var html: HTML {
        let links = sections.enumerated().map { index, section -> HTML in
            "<a href=\"#s\(index + 1)\">\(section.title)</a>"
        }
        let bodies = sections.enumerated().map { index, section -> HTML in
            return """
                <section id="s\(index + 1)"><h2>\(section.title)</h2>
                \(HTML.when(!section.lead.isEmpty, "<p class=\"lead\">\(section.lead)</p>"))
                \(section.blocks.map(\.html))</section>

                """
        }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
            img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
            <title>\(title)</title>
            <style>\(PageStyle.css)</style></head>
            <body>
            <header><div class="brand">\(PageStyle.logo)<span>Tessera</span></div>
            <h1>\(title)</h1>
            \(HTML.when(!subtitle.isEmpty, "<p class=\"subtitle\">\(subtitle)</p>"))
            \(HTML.when(!cards.isEmpty, "<dl class=\"cards\">\n\(cards.map(\.html))</dl>"))</header>
            <nav aria-label="Sections">\(links)</nav>
            <main>
            \(bodies)</main>
            <footer>\(colophon)</footer>
            <script>\(PageStyle.script)</script>
            </body></html>

            """
    }
}
