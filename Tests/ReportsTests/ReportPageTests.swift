import Foundation
import Imaging
import Testing

@testable import Reports

@Suite("Report page") struct ReportPageTests {
    /// A page with every kind of block, all names hostile.
    private func page(_ name: String) throws -> String {
        var page = ReportPage(title: name, subtitle: name, colophon: name)
        page.cards = [Card(name, value: name, unit: name, remark: name, tone: .better)]
        let picture = try Picture(ImageBuffer(width: 2, height: 2, channels: 1), alternative: name)
        page.add(
            name, lead: name,
            [
                Paragraph(name),
                SideBySide([
                    LineChart(
                        title: name, xLabel: name, yLabel: name,
                        series: [Series(name: name, values: [1, .nan, 3])], note: name)
                ]),
                ScoreTable([
                    .init(
                        name: name, metric: name, value: 86.3, unit: name,
                        baselines: [.init(name, 85.7), .init(name, .nan)], settings: [(name, name)])
                ]),
                ImageGrid(
                    columns: [name], samples: [.init(caption: name, pictures: [picture, picture])],
                    legend: ColorLegend(low: name, high: name, label: name)),
                Folded(
                    name,
                    [
                        SettingsTable([.init(key: name, value: name, source: name, isChosen: true)])
                    ]),
                FactList([(name, name)]),
            ])
        page.add("Empty", [])
        return page.html.markup
    }

    @Test("no name becomes markup")
    func escaping() throws {
        let plain = try page("name")
        for name in ["<script>x</script>", "\"><img src=x onerror=y>", "' onclick='z", "</style>"] {
            let hostile = try page(name)
            if name != "</style>" { #expect(!hostile.contains(name)) }
            // As many tags as with a harmless name: nothing was added, nothing closed early.
            #expect(hostile.filter { $0 == "<" }.count == plain.filter { $0 == "<" }.count)
            #expect(hostile.filter { $0 == "\"" }.count == plain.filter { $0 == "\"" }.count)
        }
    }

    @Test("the page needs nothing from outside")
    func selfContained() throws {
        let markup = try page("name")
        let names = ["http://www.w3.org/2000/svg"]
        var rest = markup
        for name in names { rest = rest.replacingOccurrences(of: name, with: "") }
        for outside in ["http:", "https:", "//", "@import", "url(", "<link", "<iframe", "fetch("] {
            #expect(!withoutPictures(rest).contains(outside), "\(outside)")
        }
        #expect(markup.contains("default-src 'none'"))
    }

    private func withoutPictures(_ markup: String) -> String {
        markup.replacing(/base64,[A-Za-z0-9+\/=]*/, with: "")
    }

    @Test("every element that is opened is closed, in order")
    func nesting() throws {
        let markup = withoutPictures(try page("name"))
        let void: Set = ["meta", "img", "wbr", "!DOCTYPE"]
        var open: [String] = []
        let body = markup.replacing(/<script>[\s\S]*?<\/script>/, with: "")
        for match in body.matches(of: /<(\/?)([A-Za-z0-9!]+)[^>]*?(\/?)>/) {
            let name = String(match.output.2)
            if match.output.1 == "/" {
                #expect(open.popLast() == name)
            } else if match.output.3 != "/", !void.contains(name) {
                open.append(name)
            }
        }
        #expect(open.isEmpty)
    }

    @Test("sections are linked, pictures and charts have texts for those who cannot see them")
    func structure() throws {
        let markup = try page("name")
        #expect(markup.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
        #expect(markup.contains("<a href=\"#s2\">Empty</a>"))
        #expect(markup.contains("<section id=\"s2\"><h2>Empty</h2>"))
        #expect(markup.contains("prefers-color-scheme:dark"))
        #expect(markup.contains("@media print"))
        #expect(markup.contains("aria-label=\"name: name from 1 to 3 at name 2\""))
        #expect(markup.components(separatedBy: "<img").count == 3)
        #expect(markup.components(separatedBy: " alt=\"name\"").count == 3)
    }

    @Test("differences to baselines carry their sign")
    func scores() {
        let markup = ScoreTable([
            .init(
                name: "k-NN", metric: "top-1", value: 86,
                baselines: [.init("a", 85.5), .init("b", 87), .init("c", 86)]),
            .init(name: "none", metric: "top-1", value: .nan),
            .init(name: "wide", metric: "top-1", value: 50, interval: (48.5, 51.25)),
        ]).html.markup
        #expect(markup.contains("<b class=\"better\">+0.50</b> against a"))
        #expect(markup.contains("<b class=\"worse\">−1.00</b> against b"))
        #expect(markup.contains("<b class=\"neutral\">±0.00</b> against c"))
        #expect(markup.contains(">NaN<small>%"))
        #expect(markup.contains("<small>48.50 – 51.25</small>"))
        #expect(markup.components(separatedBy: " – ").count == 2)
    }

    @Test("scores of any size have a page, and those that are no numbers")
    func anyScore() {
        let numbers = [
            Double.greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, 1e30,
            0, .infinity, -.infinity, .nan,
        ]
        let scores = numbers.flatMap { value in
            numbers.map { other in
                ScoreTable.Score(
                    name: "a", metric: "top-1", value: value, baselines: [.init("b", other)],
                    interval: (value, other))
            }
        }
        #expect(ScoreTable(scores).html.markup.components(separatedBy: "<tr>").count == 66)
        for value in numbers {
            let alone = ScoreTable([.init(name: "a", metric: "top-1", value: value)])
            #expect(alone.html.markup.contains("<tr>"))
            let points = numbers.map { Series.Point($0, value) }
            let chart = LineChart(
                title: "a", xLabel: "b", series: [Series(name: "c", points: points)])
            #expect(chart.html.markup.contains("<h3>a"))
            let bars = BarChart(title: "a", xLabel: "b", bars: [.init("c", value), .init("d", 1)])
            #expect(bars.html.markup.contains("<h3>a"))
        }
    }

    @Test("equal differences are equally far apart in all rows")
    func comparableRows() throws {
        func distance(_ markup: Substring) throws -> Double {
            let places = markup.matches(of: /cx="([0-9.]+)"/).compactMap { Double($0.output.1) }
            #expect(places.count == 2)
            return abs(try #require(places.last) - places[0])
        }
        let rows = ScoreTable([
            .init(name: "a", metric: "top-1", value: 86, baselines: [.init("x", 84)]),
            .init(name: "b", metric: "top-1", value: 41, baselines: [.init("x", 40)]),
            .init(name: "c", metric: "top-1", value: 20, baselines: [.init("x", 20)]),
        ]).html.markup.components(separatedBy: "<tr>").suffix(3).map { $0[...] }
        let distances = try rows.map(distance)
        #expect(distances[0] == 144)
        #expect(abs(distances[1] - 72) < 0.2)
        #expect(distances[2] == 0)
    }

    @Test("a sample without a caption leaves no room for one")
    func noCaption() throws {
        let picture = try Picture(ImageBuffer(width: 2, height: 2, channels: 1), alternative: "a")
        let grid = ImageGrid(columns: ["a"], samples: [.init(caption: "", pictures: [picture])])
        #expect(!grid.html.markup.contains("figcaption"))
    }

    @Test("keys of settings break behind their dots")
    func keys() {
        let table = SettingsTable([
            .init(key: "optim.<lr>", value: "1", source: "default", isChosen: false),
            .init(key: "", value: "", source: "", isChosen: true),
        ]).html.markup
        #expect(table.contains("<tr><th scope=\"row\"><code>optim.<wbr>&lt;lr&gt;</code></th>"))
        #expect(table.contains("<tr class=\"chosen\"><th scope=\"row\"><code></code></th>"))
    }

    @Test("the same report has the same bytes")
    func deterministic() throws {
        #expect(try page("name") == page("name"))
    }
}
