import Foundation
import Testing

@testable import Reports

@Suite("Figures as files") struct SVGFileTests {
    /// The names of elements that are open where they should be closed, by a plain walk.
    private func unclosed(_ markup: String) -> [String] {
        var open: [String] = []
        for match in markup.matches(of: /<(\/?)([a-z]+)[^>]*?(\/?)>/) {
            let name = String(match.output.2)
            if match.output.1 == "/" {
                if open.last == name { open.removeLast() } else { open.append("/" + name) }
            } else if match.output.3 != "/" {
                open.append(name)
            }
        }
        return open
    }

    @Test("a chart carries its title, its unit, and one entry of the legend a curve")
    func chart() {
        let chart = LineChart(
            title: "Loss <a>", xLabel: "step", yLabel: "nats",
            series: [
                Series(name: "one", values: [1, 2]), Series(name: "two & 3", values: [2, 1]),
            ])
        let markup = SVGFile(chart).markup
        #expect(markup.hasPrefix("<?xml"))
        #expect(markup.contains("Loss &lt;a&gt; (nats)") && markup.contains(">two &amp; 3</text>"))
        #expect(!markup.contains(">0.5</text>"), "there is no step between two steps")
        #expect(!markup.contains("var("), "only browsers know variables")
        #expect(unclosed(markup).isEmpty, "\(unclosed(markup))")
    }

    @Test("a map has its cells and its caption")
    func map() throws {
        var map = PatchMap(rows: 2, columns: 3, layers: [], summary: "six cells")
        map.shades = [0, 0.2, 0.4, 0.6, 0.8, 1]
        map.caption = "two by three"
        let markup = try SVGFile(map).markup
        #expect(markup.components(separatedBy: "fill=\"#").count == 1 + 1 + 6)
        #expect(markup.contains(">two by three</text>"))
        #expect(unclosed(markup).isEmpty, "\(unclosed(markup))")
    }
}
