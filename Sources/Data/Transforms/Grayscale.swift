/// Gives all channels the luma with the given probability; their number stays.
public struct Grayscale: TransformStep {
    public static let name = "grayscale"
    public var changesColor: Bool { true }
    public static let fields: [StepField<Self>] = [.init("probability", \.probability)]

    public var probability = 0.2

    public init() {}

    public init(probability: Double) { self.probability = probability }

    public func check() throws { try expectProbability(probability) }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) {
        if random.happens(probability) { ColorChange.grayscale.apply(to: &canvas) }
    }
}
