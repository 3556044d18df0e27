/// Inverts values from a threshold on, with the given probability.
public struct Solarize: TransformStep {
    public static let name = "solarize"
    public var changesColor: Bool { true }
    public static let fields: [StepField<Self>] = [
        .init("probability", \.probability), .init("threshold", \.threshold),
    ]

    public var probability = 0.2
    /// The least value that is inverted, 0...256.
    public var threshold = 128

    public init() {}

    public init(probability: Double, threshold: Int = 128) {
        (self.probability, self.threshold) = (probability, threshold)
    }

    public func check() throws {
        try expectProbability(probability)
        try expect(
            (0...256).contains(threshold), "threshold", "\(threshold)", "a number from 0 to 256")
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) {
        if random.happens(probability) { ColorChange.solarize(threshold).apply(to: &canvas) }
    }
}
