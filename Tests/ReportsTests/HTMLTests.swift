import Testing

@testable import Reports

@Suite("HTML") struct HTMLTests {
    @Test("interpolated text is escaped, interpolated HTML is not")
    func escaping() {
        let name = "<script>alert('a' & \"b\")</script>"
        let inner: HTML = "<b>\(name)</b>"
        let outer: HTML = "<td title=\"\(name)\">\(inner)\([inner, inner])\(3)</td>"
        let safe = "&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)&lt;/script&gt;"
        let bold = "<b>\(safe)</b>"
        #expect(inner.markup == bold)
        #expect(outer.markup == "<td title=\"\(safe)\">\(bold)\(bold)\(bold)3</td>")
    }

    @Test("control characters are replaced, line breaks and other scripts stay")
    func controls() {
        let text: HTML = "\("a\0b\u{1b}[31m\u{7f}\u{85}\n\té😀")"
        #expect(text.markup == "a\u{fffd}b\u{fffd}[31m\u{fffd}\u{fffd}\n\té😀")
    }

    @Test("an escaped character stands alone even where combining marks follow")
    func combining() {
        let text: HTML = "\("<\u{301}script>")"
        #expect(text.markup == "&lt;\u{301}script&gt;")
        #expect(!text.markup.unicodeScalars.contains("<"))
    }

    @Test(
        "coordinates are short and never anything but numbers",
        arguments: [
            (1.5, "1.5"), (2, "2"), (100, "100"), (0, "0"), (-0.001, "0"), (-3.456, "-3.46"),
            (0.05, "0.05"), (.nan, "0"), (.infinity, "0"), (1e300, "1000000000"),
        ])
    func coordinates(value: Double, text: String) {
        #expect(HTML.coordinate(value) == text)
    }
}
