import Foundation
import Testing

@testable import Reports

@Suite("Bars and findings") struct BarsTests {
    private func heights(_ chart: BarChart) -> [Double] {
        chart.html.markup.matches(of: /class="bar c0".*?height="([0-9.]+)"/)
            .compactMap { Double($0.1) }
    }

    @Test("bars stand on zero and are as high as their values")
    func barHeights() {
        let values = [0.0, 1, 25, 50, 100]
        let chart = BarChart(
            title: "Sides", xLabel: "pixels", bars: values.map { .init("\($0)", $0) })
        let found = heights(chart)
        #expect(found.count == values.count && found[0] == 0 && found[1] >= 1)
        #expect(abs(found[2] / found[4] - 0.25) < 0.01 && abs(found[3] / found[4] - 0.5) < 0.01)
    }

    @Test("without counts the chart says so")
    func noCounts() {
        for bars in [[], [BarChart.Bar("a", 0)], [BarChart.Bar("a", .nan)]] {
            let html = BarChart(title: "Sides", xLabel: "pixels", bars: bars).html.markup
            #expect(html.contains("Nothing was counted") && !html.contains("<svg"))
        }
    }

    @Test("crowded labels are thinned, bars are not")
    func labels() {
        let bars = (0..<60).map { BarChart.Bar("class \($0)", Double($0 + 1)) }
        let html = BarChart(title: "Classes", xLabel: "class", bars: bars).html.markup
        #expect(html.matches(of: /class="bar c0"/).count == 60)
        #expect((2..<12).contains(html.components(separatedBy: "middle\">class ").count))
    }

    @Test("a list's bars are shares of the longest; names are escaped")
    func barList() {
        let list = BarList(
            title: "Classes", rows: [.init("<b>", 5, text: "5"), .init("cat", 20, text: "20")])
        let html = list.html.markup
        #expect(html.contains("width:25%") && html.contains("width:100%"))
        #expect(html.contains("&lt;b&gt;") && !html.contains("<b></"))
    }

    @Test("a finding shows its mark as a word, its places escaped")
    func findings() {
        let row = FindingTable.Row(
            .bad, title: "Truncated", count: "1,203", advice: "Copy them again.",
            examples: [("a<script>.jpg", "ends early"), ("b.jpg", ""), ("c.jpg", "")],
            examplesTitle: "The first 3"
        )
        let html = FindingTable([row]).html.markup
        #expect(html.contains(">bad</span>") && html.contains("1,203"))
        #expect(html.contains("a&lt;script&gt;.jpg") && !html.contains("<script>"))
        #expect(html.contains("The first 3"))
        let bare = FindingTable([.init(.good, title: "None", count: "0", advice: "")])
        #expect(!bare.html.markup.contains("<details>"))
    }
}
