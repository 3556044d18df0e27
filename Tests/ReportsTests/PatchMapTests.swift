import Imaging
import Testing

@testable import Reports

@Suite("Maps of patches") struct PatchMapTests {
    private func map(_ layers: [PatchMap.Layer]) -> PatchMap {
        PatchMap(rows: 2, columns: 3, layers: layers, summary: "a <mask>")
    }

    /// Squares of the path of a look.
    private func squares(_ look: String, in html: String) -> Int {
        html.matches(of: /<path class="([a-z0-9 ]*)" d="([^"]*)"/)
            .filter { $0.1 == look }.map { $0.2.filter { $0 == "z" }.count }.reduce(0, +)
    }

    @Test("every patch of a layer is a square, in the colour of its look")
    func layers() throws {
        let html = try map([.init(.seen, [0, 1]), .init(.hidden, [2]), .init(.list(1), [4, 5])])
            .html().markup
        #expect(squares("seen", in: html) == 2 && squares("hidden", in: html) == 1)
        #expect(squares("list c2", in: html) == 2)
        #expect(html.contains("viewBox=\"0 0 30 20\""))
        #expect(html.contains("a &lt;mask&gt;") && !html.contains("<mask>"))
    }

    @Test("a list's outline has the edges to other patches alone")
    func outline() throws {
        // Two neighbours: six sides of ten units; the one between them is not drawn.
        let html = try map([.init(.list(0), [1, 2])]).html().markup
        let path = try #require(html.firstMatch(of: /class="outline c1" d="([^"]*)"/)).1
        #expect(path.filter { $0 == "M" }.count == 6)
        #expect(path.contains("M10 0h10") && !path.contains("M20 0v10"))
    }

    @Test("over a picture hidden patches and those of no layer are covered, seen ones are bare")
    func overPicture() throws {
        var over = map([.init(.seen, [0]), .init(.hidden, [1, 2])])
        over.picture = ImageBuffer(
            width: 3, height: 2, channels: 1, pixels: [0, 50, 100, 150, 200, 250])
        let html = try over.html().markup
        #expect(html.contains("data:image/png;base64,") && html.contains("patches over"))
        #expect(squares("seen", in: html) == 0 && squares("hidden", in: html) == 2)
        #expect(squares("other", in: html) == 3)
    }

    @Test("shades, texts, details and windows")
    func marks() throws {
        var marked = map([])
        marked.shades = [0, 0.5, 1, nil, nil, nil]
        marked.texts = ["1", "", "3", "", "", ""]
        marked.details = ["row <1>", "", "", "", "", ""]
        marked.window = 2
        let html = try marked.html().markup
        for shade in [0, 0.5, 1] {
            #expect(html.contains(ColorMap.standard[shade].hex))
        }
        #expect(html.matches(of: /<text\b/).count == 2)
        #expect(html.contains("mark-text light") && html.contains("mark-text dark"))
        #expect(html.contains("<title>row &lt;1&gt;</title>"))
        #expect(html.contains("class=\"window\" d=\"M20 0V20\""))
    }

    @Test("a grid of maps explains its colours and escapes captions")
    func grid() throws {
        var one = map([.init(.seen, [0])])
        one.caption = "<b>"
        let html = try PatchMapGrid(
            [one, one], keys: [.init(.seen, "seen"), .init(.list(0), "target"), .init(nil, "none")]
        ).html.markup
        #expect(html.matches(of: /<figure/).count == 2 && html.contains("&lt;b&gt;"))
        for look in ["class=\"seen\"", "class=\"list c1\"", "class=\"other\""] {
            #expect(html.contains(look))
        }
        let chart = try PatchChart(
            one, title: "A & B", legend: ColorLegend(low: "0", high: "1", label: "x"), note: "n")
        #expect(chart.html.markup.contains("A &amp; B") && chart.html.markup.contains("scale"))
    }

    @Test("segments lie where their places are; empty rows say so")
    func segments() throws {
        let rows = SegmentRows(
            title: "Sequences", length: 100, border: 40,
            rows: [
                .init(
                    name: "0",
                    segments: [
                        .init(0..<50, group: 1, detail: "first"),
                        .init(50..<100, group: nil, detail: "second"),
                    ])
            ])
        let html = rows.html.markup
        let widths = html.matches(
            of: /class="(?:bar c2|taken)" x="([0-9.]+)" y="0" width="([0-9.]+)"/
        )
        .compactMap { Double($0.2) }
        #expect(widths.count == 2 && widths[0] == widths[1] && abs(widths[0] - 486) < 1e-9)
        #expect(html.contains("class=\"border\"") && html.contains("<title>second</title>"))
        let empty = SegmentRows(title: "Sequences", length: 100, rows: []).html.markup
        #expect(empty.contains("nothing to show") && !empty.contains("<svg"))
    }
}
