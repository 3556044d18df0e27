/// The configuration of a run: each setting, its value, and who chose it.
public struct SettingsTable: ReportBlock {
    public struct Row: Sendable {
        /// `optim.lr`.
        public var key: String
        public var value: String
        /// `default`, `recipe.yaml:12`, `command line`.
        public var source: String
        /// Whether somebody chose the value: such rows stand out.
        public var isChosen: Bool

        public init(key: String, value: String, source: String, isChosen: Bool) {
            self.key = key
            self.value = value
            self.source = source
            self.isChosen = isChosen
        }
    }
    public var rows: [Row]

    public init(_ rows: [Row]) { self.rows = rows }

    /// A key that a narrow window may break behind its dots, and nowhere else.
    private static func breakable(_ key: String) -> HTML {
        let parts = key.split(separator: ".", omittingEmptySubsequences: false)
        return parts.dropFirst().reduce("\(String(parts[0]))") { "\($0).<wbr>\(String($1))" }
    }

    public var html: HTML {
        let body = rows.map { row -> HTML in
            """
            <tr\(HTML.when(row.isChosen, " class=\"chosen\""))><th scope="row"><code>\(Self.breakable(row.key))</code></th>\
            <td><code>\(row.value)</code></td><td class="muted">\(row.source)</td></tr>

            """
        }
        return """
            <div class="scroll"><table class="settings">
            <thead><tr><th scope="col">Setting</th><th scope="col">Value</th>\
            <th scope="col">From</th></tr></thead>
            <tbody>
            \(body)</tbody></table></div>

            """
    }
}

/// Pairs of a name and a value, such as versions and the machine.
public struct FactList: ReportBlock {
    public var facts: [(name: String, value: String)]

    public init(_ facts: [(name: String, value: String)]) { self.facts = facts }

    public var html: HTML {
        let items = facts.map { fact -> HTML in
            "<div><dt>\(fact.name)</dt><dd>\(fact.value)</dd></div>\n"
        }
        return "<dl class=\"facts\">\n\(items)</dl>\n"
    }
}
