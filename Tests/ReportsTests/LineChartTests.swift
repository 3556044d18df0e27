import Foundation
import Testing

@testable import Reports

@Suite("Line charts") struct LineChartTests {
    private func chart(_ values: [Double], scale: AxisScale = .linear, smoothing: Double = 0)
        -> String
    {
        LineChart(
            title: "Loss", xLabel: "step", yScale: scale,
            series: [Series(name: "loss", values: values, smoothing: smoothing)]
        ).html.markup
    }

    private func attribute(_ name: String, in markup: String) throws -> [String] {
        let pattern = try Regex("<path class=\"line[^>]* \(name)=\"([^\"]*)\"")
        return markup.matches(of: pattern).compactMap { $0.output[1].substring.map(String.init) }
    }

    @Test("a value that is not finite makes a gap and a mark, never a coordinate")
    func gaps() throws {
        let markup = chart([1, 2, .nan, 3, .infinity, 4, 5])
        let path = try #require(attribute("d", in: markup).first)
        #expect(path.split(separator: "M").count == 3)
        #expect(path.contains("h0"))  // 3 stands between two gaps: a dot
        #expect(markup.components(separatedBy: "class=\"bad\"").count == 3)
        #expect(markup.contains("loss is NaN at step 2"))
        #expect(markup.contains("loss is ∞ at step 4"))
        #expect(!path.lowercased().contains("nan") && !path.contains("inf"))
        #expect(try attribute("data-p", in: markup) == ["0 1,1 2,3 3,5 4,6 5"])
    }

    @Test("values and places are equally many, for the display under the pointer")
    func places() throws {
        let wild = (0..<5000).map { i -> Double in
            if i % 97 == 0 { return .nan }
            if i % 89 == 0 { return -.infinity }
            return sin(Double(i) / 50) + 1
        }
        for scale in [AxisScale.linear, .logarithmic] {
            for smoothing in [0, 0.9] {
                let markup = chart(wild, scale: scale, smoothing: smoothing)
                let path = try #require(attribute("d", in: markup).first)
                let values = try #require(attribute("data-p", in: markup).first)
                let places = path.split { $0 == "M" || $0 == "L" }
                #expect(places.count == values.split(separator: ",").count)
                #expect(places.count <= 1300)
            }
        }
    }

    @Test("logarithmic axes leave out what is not positive")
    func logarithmic() throws {
        let path = try #require(
            try attribute("d", in: chart([1, 0, 10, -1, 100], scale: .logarithmic)).first)
        #expect(path.split(separator: "M").count == 3)
    }

    @Test("a chart without values says so", arguments: [[], [.nan, .infinity]] as [[Double]])
    func empty(values: [Double]) {
        let markup = chart(values)
        #expect(markup.contains("No finite values were recorded."))
        #expect(!markup.contains("<svg"))
    }

    @Test("curves stay inside the frame")
    func frame() throws {
        let values = (0..<100).map { (i: Int) -> Double in i % 2 == 0 ? Double(i * i) : Double(-i) }
        let path = try #require(try attribute("d", in: chart(values)).first)
        let places = path.split(whereSeparator: { "MLh".contains($0) }).filter { $0 != "0" }
        #expect(places.count == values.count)
        for place in places {
            let numbers = place.split(separator: " ").compactMap { Double($0) }
            try #require(numbers.count == 2)
            #expect((54...546).contains(numbers[0]) && (14...254).contains(numbers[1]))
        }
    }

    @Test("names of curves are escaped everywhere")
    func escaping() {
        let series = Series(name: "<b onload=\"x\">", values: [1, .nan, 2], smoothing: 0.5)
        let markup = LineChart(
            title: "<i>", xLabel: "'\"<", yLabel: "&", series: [series, series], note: "<u>"
        ).html.markup
        for tag in ["<b", "<i>", "<u>", "\"<\"", "onload=\"x\""] { #expect(!markup.contains(tag)) }
        for text in [
            "<h3>&lt;i&gt;", "<small>&amp;</small>", ">&#39;&quot;&lt;</text>",
            "data-x=\"&#39;&quot;&lt;\"", "<p class=\"note\">&lt;u&gt;</p>",
            "data-name=\"&lt;b onload=&quot;x&quot;&gt;\"",
            "</i>&lt;b onload=&quot;x&quot;&gt;", "&lt;b onload=&quot;x&quot;&gt; is NaN at ",
        ] { #expect(markup.contains(text), "\(text)") }
    }

    @Test("smoothing starts at the first value and passes over gaps")
    func smoothing() {
        let constant = Series(name: "c", values: [3, .nan, 3, 3], smoothing: 0.9).smoothed
        #expect(constant[0].y == 3)
        #expect(constant[1].y.isNaN)
        #expect(abs(constant[3].y - 3) < 1e-12)
        let pair = Series(name: "p", values: [0, 1], smoothing: 0.5).smoothed
        #expect(abs(pair[1].y - 2.0 / 3) < 1e-12)
    }

    @Test("thinning keeps ends, extremes and order")
    func thinning() {
        var points = (0..<10_000).map { Series.Point(Double($0), sin(Double($0) / 300)) }
        points[4321].y = 99
        points[777].y = .nan
        for count in [4, 100, 800] {
            let thin = Series.thinned(points, to: count)
            #expect(thin.count <= 2 * count)
            #expect(thin.first == points.first)
            #expect(thin.last == points.last)
            #expect(thin.contains(points[4321]))
            #expect(thin.contains { $0.x == 777 })
            #expect(zip(thin, thin.dropFirst()).allSatisfy { $0.x < $1.x })
        }
        #expect(Series.thinned(Array(points.prefix(50)), to: 800).count == 50)
    }
}
