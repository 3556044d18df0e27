/// Mirrors a picture with the given probability.
public struct HorizontalFlip: TransformStep {
    public static let name = "horizontalFlip"
    public static let fields: [StepField<Self>] = [.init("probability", \.probability)]

    public var probability = 0.5

    public init() {}

    public init(probability: Double) { self.probability = probability }

    public func check() throws {
        try expect(
            (0...1).contains(probability), "probability", "\(probability)", "a number from 0 to 1")
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) {
        if (random.uniform() as Double) < probability { canvas.flip() }
    }
}
