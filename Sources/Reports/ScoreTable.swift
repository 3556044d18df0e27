import Foundation

/// Results of evaluations, each beside what it is to be compared with.
public struct ScoreTable: ReportBlock {
    public struct Score: Sendable {
        /// `k-NN`, `linear probe`.
        public var name: String
        /// `top-1 accuracy`.
        public var metric: String
        public var value: Double
        /// Written behind each value, such as `%`.
        public var unit: String
        /// What others reach on the same data by the same protocol.
        public var baselines: [Baseline]
        /// Between which values it lies with a confidence that the text beside the table names.
        public var interval: (low: Double, high: Double)?
        /// The settings of the protocol, such as (`k`, `20`).
        public var settings: [(name: String, value: String)]

        public init(
            name: String, metric: String, value: Double, unit: String = "%",
            baselines: [Baseline] = [], interval: (low: Double, high: Double)? = nil,
            settings: [(name: String, value: String)] = []
        ) {
            self.interval = interval
            self.name = name
            self.metric = metric
            self.value = value
            self.unit = unit
            self.baselines = baselines
            self.settings = settings
        }
    }
    public struct Baseline: Sendable {
        public var name: String
        public var value: Double

        public init(_ name: String, _ value: Double) {
            self.name = name
            self.value = value
        }
    }
    public var scores: [Score]

    public init(_ scores: [Score]) { self.scores = scores }

    public var html: HTML {
        let compares = scores.contains { !$0.baselines.isEmpty }
        let span = scores.map(\.span).max() ?? 0
        let rows = scores.map { score -> HTML in
            let chips = score.settings.map { item -> HTML in
                "<li><span>\(item.name)</span> \(item.value)</li>"
            }
            let range = score.interval.map { interval -> HTML in
                "<br><small>\(Self.text(interval.low)) – \(Self.text(interval.high))</small>"
            }
            return """
                <tr><th scope="row">\(score.name)<small>\(score.metric)</small></th>\
                <td class="number score">\(Self.text(score.value))<small>\(score.unit)</small>\(range ?? "")</td>\
                \(HTML.when(compares, "<td>\(Self.comparison(score, span: span))</td>"))<td><ul class="chips">\(chips)</ul></td></tr>

                """
        }
        let head = HTML.when(compares, "<th scope=\"col\">Compared with</th>")
        return """
            <div class="scroll"><table class="scores">
            <thead><tr><th scope="col">Protocol</th><th scope="col" class="number">Score</th>\
            \(head)<th scope="col">Settings</th></tr></thead>
            <tbody>
            \(rows)</tbody></table></div>

            """
    }

    /// Two decimals, or what else is no number.
    static func text(_ value: Double) -> String {
        value.isFinite ? String(format: "%.2f", value) : Ticks.short(value)
    }

    /// A line with a full dot for the score and hollow dots for the baselines, and the differences.
    ///
    /// The line is `span` long whatever the score, so that distances of two rows can be compared.
    private static func comparison(_ score: Score, span: Double) -> HTML {
        guard !score.baselines.isEmpty else { return "<span class=\"muted\">–</span>" }
        let finite = score.finiteValues
        let slack = (span - score.span) / 2
        let ends = [(finite.min() ?? 0) - slack, (finite.max() ?? 0) + slack]
        let axis = Axis(ends, scale: .linear, padded: false, pixels: (8, 152))
        var dots: HTML = ""
        for baseline in score.baselines {
            guard let at = axis.position(baseline.value) else { continue }
            dots += """
                <circle class="baseline" cx="\(at)" cy="9" r="4"><title>\(baseline.name) \
                \(text(baseline.value))</title></circle>
                """
        }
        if let at = axis.position(score.value) {
            dots += "<circle class=\"ours\" cx=\"\(at)\" cy=\"9\" r=\"5\"/>"
        }
        let lines = score.baselines.map { baseline -> HTML in
            let difference = score.value - baseline.value
            let tone = difference > 0 ? "better" : difference < 0 ? "worse" : "neutral"
            let sign = difference > 0 ? "+" : difference < 0 ? "−" : "±"
            return """
                <li><b class="\(tone)">\(sign)\(text(abs(difference)))</b> against \
                \(baseline.name) <span class="muted">\(text(baseline.value))</span></li>
                """
        }
        return """
            <svg class="strip" viewBox="0 0 160 18" role="img" \
            aria-label="\(score.name) beside its baselines"><path class="axis" d="M0 9H160"/>\
            \(dots)</svg><ul class="against">\(lines)</ul>
            """
    }
}

extension ScoreTable.Score {
    /// The score and its baselines, without what is no number.
    fileprivate var finiteValues: [Double] {
        ([value] + baselines.map(\.value)).filter(\.isFinite)
    }

    /// From the lowest to the highest of them.
    fileprivate var span: Double {
        guard let low = finiteValues.min(), let high = finiteValues.max() else { return 0 }
        return high - low
    }
}
