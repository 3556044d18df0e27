import Foundation

/// A path with braces that stands for many: `shard-{000000..000099}.tar`, `{a,b}.tar`.
///
/// Numbers are as wide as the wider of the two, filled with zeros: `{000..47}` is 000 to 047.
enum ShardPattern {
    /// More paths than this are a slip of the keyboard.
    static let most = 100_000

    static func isPattern(_ path: String) -> Bool { path.contains("{") && path.contains("}") }

    /// All paths, the last braces counting fastest.
    ///
    /// - Throws: `DataError` for braces that mean nothing or stand for too many.
    static func expand(_ pattern: String) throws -> [String] {
        func failure(_ problem: String) -> DataError {
            DataError(
                .malformed, pattern, problem,
                remedy: "write braces as in shard-{000000..000099}.tar or set-{train,val}.tar")
        }
        var paths = [""]
        var rest = Substring(pattern)
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else {
                throw failure("has a { without }")
            }
            let inner = rest[rest.index(after: open)..<close]
            guard let items = try items(inner, failure) else {
                throw failure("has {\(inner)}, which is no range and no list")
            }
            guard items.count <= most / max(paths.count, 1) else {
                throw failure("stands for more than \(most) files")
            }
            let before = rest[..<open]
            paths = paths.flatMap { path in items.map { path + before + $0 } }
            rest = rest[rest.index(after: close)...]
        }
        return paths.map { $0 + rest }
    }

    private static func items(
        _ inner: Substring, _ failure: (String) -> DataError
    ) throws -> [String]? {
        guard let dots = inner.firstRange(of: "..") else {
            let items = inner.split(separator: ",", omittingEmptySubsequences: false)
            return items.count > 1 ? items.map(String.init) : nil
        }
        let (first, last) = (inner[..<dots.lowerBound], inner[dots.upperBound...])
        let digits = { (text: Substring) in !text.isEmpty && text.allSatisfy(\.isASCIIDigit) }
        guard digits(first), digits(last), let low = Int(first), let high = Int(last) else {
            return nil
        }
        guard low <= high, high - low < most else {
            throw failure("counts from \(low) to \(high)")
        }
        let width = max(first.count, last.count)
        let isPadded = first.hasPrefix("0") && first.count > 1 || last.hasPrefix("0")
        return (low...high).map { number in
            let text = String(number)
            let missing = isPadded ? max(0, width - text.count) : 0
            return String(repeating: "0", count: missing) + text
        }
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
