import Foundation

/// Markup in which every interpolated text is escaped, so that no name can become a tag.
///
/// ```swift
/// let cell: HTML = "<td title=\"\(path)\">\(name)</td>"
/// ```
/// Interpolating another `HTML`, or a list of them, puts it in as it is.
public struct HTML: Sendable, Equatable, ExpressibleByStringInterpolation {
    public private(set) var markup: String

    public init(stringLiteral literal: String) { markup = literal }

    public init(stringInterpolation: Interpolation) { markup = stringInterpolation.markup }

    /// Takes text that is markup already.
    init(markup: String) { self.markup = markup }

    /// `html` if `condition` holds, else nothing.
    ///
    /// A bare `condition ? "<p>" : ""` inside an interpolation is a `String`, and gets escaped.
    static func when(_ condition: Bool, _ html: @autoclosure () -> HTML) -> HTML {
        condition ? html() : ""
    }

    public static func += (left: inout HTML, right: HTML) { left.markup += right.markup }

    /// `text` with the five characters that mean something in HTML written as entities.
    ///
    /// Control characters, which no HTML document may hold, become U+FFFD.
    static func escape(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
            default:
                let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
                result.unicodeScalars.append(isControl ? "\u{fffd}" : scalar)
            }
        }
        return result
    }

    public struct Interpolation: StringInterpolationProtocol {
        var markup = ""

        public init(literalCapacity: Int, interpolationCount: Int) {
            markup.reserveCapacity(literalCapacity + 16 * interpolationCount)
        }
        public mutating func appendLiteral(_ literal: String) { markup += literal }
        public mutating func appendInterpolation(_ text: String) { markup += HTML.escape(text) }
        public mutating func appendInterpolation(_ number: Int) { markup += "\(number)" }
        public mutating func appendInterpolation(_ html: HTML) { markup += html.markup }
        public mutating func appendInterpolation(_ parts: [HTML]) {
            for part in parts { markup += part.markup }
        }
        /// A coordinate of a drawing, to a hundredth; what is not finite becomes 0.
        mutating func appendInterpolation(_ coordinate: Double) {
            markup += HTML.coordinate(coordinate)
        }
    }

    static func coordinate(_ value: Double) -> String {
        let hundredths = (value.isFinite ? min(max(value, -1e9), 1e9) * 100 : 0).rounded()
        let text = String(format: "%.2f", hundredths == 0 ? 0 : hundredths / 100)
        // 1.50 -> 1.5, 2.00 -> 2
        return String(text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed())
    }
}
