import Foundation

/// The marks of an axis: round numbers inside its range, with labels.
struct Ticks: Equatable {
    let values: [Double]
    let labels: [String]

    /// Multiples of 1, 2 or 5 times a power of ten, about `count` of them, inside `range`.
    static func linear(_ range: ClosedRange<Double>, count: Int) -> Ticks {
        let span = range.upperBound - range.lowerBound
        guard span > 0, span.isFinite, count > 0 else {
            return Ticks(values: [range.lowerBound], labels: [short(range.lowerBound)])
        }
        let raw = span / Double(count)
        let power = pow(10, floor(log10(raw)))
        // From one 1-2-5 step to the next where they are equally far: at √2, √10 and √50.
        let ratio = raw / power
        let steps = [0.5, 1, 2, 5, 10].map { $0 * power }
        var index = [2, 10, 50].count { ratio >= Double($0).squareRoot() } + 1
        if tickCount(range, steps[index]) < 2 { index -= 1 }
        let step = steps[index]
        guard (1...1000).contains(tickCount(range, step)) else {
            return Ticks(values: [range.lowerBound], labels: [short(range.lowerBound)])
        }
        let (first, last) = multiples(range, step)
        let values = stride(from: first, through: last, by: 1).map { $0 == 0 ? 0 : $0 * step }
        return Ticks(values: values, labels: values.map { label($0, step: step, in: range) })
    }

    /// The first and the last multiple of `step` inside `range`, in steps.
    ///
    /// A hair of tolerance keeps an end that is a multiple itself from being lost to rounding.
    private static func multiples(_ range: ClosedRange<Double>, _ step: Double)
        -> (first: Double, last: Double)
    {
        (ceil(range.lowerBound / step - 1e-9), floor(range.upperBound / step + 1e-9))
    }

    private static func tickCount(_ range: ClosedRange<Double>, _ step: Double) -> Int {
        let (first, last) = multiples(range, step)
        return first <= last && last - first < 1e6 ? Int(last - first) + 1 : 0
    }

    /// Powers of ten inside `range`; with few of them also 2 and 5 times those; never fewer than two.
    static func logarithmic(_ range: ClosedRange<Double>, count: Int) -> Ticks {
        guard range.lowerBound > 0, range.upperBound.isFinite,
            range.upperBound > range.lowerBound
        else { return linear(range, count: count) }
        let low = Int(floor(log10(range.lowerBound)))
        let high = Int(ceil(log10(range.upperBound)))
        let tolerant = range.lowerBound * (1 - 1e-9)...range.upperBound * (1 + 1e-9)
        func marks(_ factors: [Double], every: Int) -> [Double] {
            stride(from: low, through: high, by: every).flatMap { exponent -> [Double] in
                let power = pow(10, Double(exponent))
                return factors.map { $0 * power }.filter(tolerant.contains)
            }
        }
        let every = max(1, (high - low + count - 1) / max(1, count))
        var values = marks([1], every: every)
        if values.count < 3 { values = marks([1, 2, 5], every: 1) }
        // Less than one such step: a linear axis serves better.
        if values.count < 3 { return linear(range, count: count) }
        return Ticks(values: values, labels: values.map { short($0) })
    }

    /// With as many decimals as the step needs; thousands and millions abbreviated.
    private static func label(_ value: Double, step: Double, in range: ClosedRange<Double>)
        -> String
    {
        let largest = max(abs(range.lowerBound), abs(range.upperBound))
        if value == 0 { return "0" }
        if largest >= 1e9 || step < 1e-4 {
            let digits = Int(floor(log10(largest) + 1e-9) - floor(log10(step) + 1e-9)) + 1
            return short(value, digits: digits)
        }
        if largest >= 1e6 { return decimal(value / 1e6, step: step / 1e6) + "M" }
        if largest >= 1e4 { return decimal(value / 1e3, step: step / 1e3) + "k" }
        return decimal(value, step: step)
    }

    private static func decimal(_ value: Double, step: Double) -> String {
        let decimals = max(0, Int(-floor(log10(step) + 1e-9)))
        return String(format: "%.\(decimals)f", value)
    }

    /// Some significant digits; k and M for thousands and millions, powers of ten beyond.
    static func short(_ value: Double, digits: Int = 4) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "−∞" : "∞" }
        let size = abs(value)
        if size == 0 { return "0" }
        if size >= 1e-3, size < 1e4 { return String(format: "%.\(digits)g", value) }
        if size >= 1e4, size < 1e9 {
            let (scale, unit) = size >= 1e6 ? (1e6, "M") : (1e3, "k")
            return String(format: "%.\(digits)g", value / scale) + unit
        }
        let exponent = Int(floor(log10(size) + 1e-12))
        let mantissa = String(format: "%.\(digits)g", value / pow(10, Double(exponent)))
        let power = "10" + superscript(exponent)
        return mantissa == "1" ? power : "\(mantissa)·\(power)"
    }

    private static func superscript(_ number: Int) -> String {
        let digits: [Character] = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"]
        return String("\(number)".map { $0.wholeNumberValue.map { digits[$0] } ?? "⁻" })
    }
}
