/// A logged number: its last values and its average, as MAE's logs show them.
public struct Meter: Sendable {
    /// How many values the median and the average look back at.
    public static let window = 20

    private var last: [Double] = []
    private var total = 0.0
    private var count = 0.0

    public init() {}

    /// Adds a value that stands for `weight` of them, such as the images of a batch.
    public mutating func update(_ value: Double, weight: Int = 1) {
        last.append(value)
        if last.count > Self.window { last.removeFirst() }
        total += value * Double(weight)
        count += Double(weight)
    }

    /// The weighted average of everything; NaN before the first value.
    public var globalAverage: Double { total / count }

    /// The unweighted average of the last values.
    public var average: Double { last.reduce(0, +) / Double(last.count) }

    /// The median of the last values, the lower of the middle two.
    public var median: Double {
        last.isEmpty ? .nan : last.sorted()[(last.count - 1) / 2]
    }
}
