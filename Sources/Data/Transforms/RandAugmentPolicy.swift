/// How RandAugment draws, as timm's policy strings say it: `rand-m9-mstd0.5-inc1`.
///
/// In recipes a policy is such a string; the parts after `rand` may come in any order.
public struct RandAugmentPolicy: Sendable, Equatable {
    /// `m`: the mean magnitude, 0...10.
    public var magnitude = 10.0
    /// `mstd`: the standard deviation of the magnitude, which is then cut to 0...10.
    public var magnitudeStd = 0.0
    /// `n`: operations drawn for a picture, with replacement.
    public var count = 2
    /// `inc`: operations whose effect grows with the magnitude; on with any value, as in timm.
    public var isIncreasing = false

    public init() {}

    public init(
        magnitude: Double, magnitudeStd: Double = 0.5, count: Int = 2, isIncreasing: Bool = false
    ) {
        (self.magnitude, self.magnitudeStd) = (magnitude, magnitudeStd)
        (self.count, self.isIncreasing) = (count, isIncreasing)
    }

    /// Reads a policy string.
    ///
    /// - Throws: `DataError` that names the part which is not understood.
    public init(_ text: String) throws {
        func fail(_ problem: String, _ remedy: String) -> DataError {
            DataError(.invalidPipeline, "policy '\(text)'", problem, remedy: remedy)
        }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.first == "rand" else {
            throw fail(
                "begins with '\(parts.first ?? "")'",
                "expected rand with its settings, such as rand-m9-mstd0.5-inc1")
        }
        for part in parts.dropFirst() {
            let key = part.prefix { !($0.isNumber || $0 == ".") }
            let value = part.dropFirst(key.count)
            guard let number = Double(value), number.isFinite else {
                throw fail("has the part '\(part)'", "expected a name and a number, such as m9")
            }
            switch key {
            case "m": magnitude = number
            case "mstd": magnitudeStd = number
            case "n":
                guard let whole = Int(exactly: number) else {
                    throw fail("has the part '\(part)'", "expected a whole number of operations")
                }
                count = whole
            case "inc": isIncreasing = true
            default:
                throw fail("has the unknown part '\(part)'", "known here: m, mstd, n, inc")
            }
        }
        guard (0...10).contains(magnitude) else {
            throw fail("has the magnitude \(magnitude)", "expected a number from 0 to 10")
        }
        guard (0..<100).contains(magnitudeStd) else {
            throw fail("has the deviation \(magnitudeStd)", "expected a number from 0 to 100")
        }
        guard (1...100).contains(count) else {
            throw fail("has \(count) operations", "expected a number from 1 to 100")
        }
    }

    /// The policy string.
    public var text: String {
        var text = "rand-m\(shortest(magnitude))"
        if magnitudeStd > 0 { text += "-mstd\(shortest(magnitudeStd))" }
        if count != 2 { text += "-n\(count)" }
        return isIncreasing ? text + "-inc1" : text
    }
}

private func shortest(_ number: Double) -> String {
    Int(exactly: number).map(String.init) ?? "\(number)"
}

extension RandAugmentPolicy: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
