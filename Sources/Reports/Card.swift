/// One key fact in the head of a report: a large number with its name and a remark.
public struct Card: Sendable {
    /// What the remark says of the number.
    public enum Tone: String, Sendable { case neutral, better, worse }

    public var name: String
    public var value: String
    public var unit: String
    public var remark: String
    public var tone: Tone

    public init(
        _ name: String, value: String, unit: String = "", remark: String = "",
        tone: Tone = .neutral
    ) {
        self.name = name
        self.value = value
        self.unit = unit
        self.remark = remark
        self.tone = tone
    }

    var html: HTML {
        let below: HTML = "<dd class=\"remark \(tone.rawValue)\">\(remark)</dd>"
        return """
            <div class="card"><dt>\(name)</dt>\
            <dd class="value">\(value)\(HTML.when(!unit.isEmpty, "<small>\(unit)</small>"))</dd>\
            \(HTML.when(!remark.isEmpty, below))</div>

            """
    }
}
