import Imaging

/// Turns a picture upside down with the given probability.
public struct VerticalFlip: TransformStep {
    public static let name = "verticalFlip"
    public static let fields: [StepField<Self>] = [.init("probability", \.probability)]

    public var probability = 0.5

    public init() {}

    public init(probability: Double) { self.probability = probability }

    public func check() throws { try expectProbability(probability) }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) {
        if random.happens(probability) { canvas.recolor { $0.flipVertically() } }
    }
}
