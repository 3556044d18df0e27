public import Imaging

/// All of several steps, or none of them.
public struct RandomApply: TransformStep {
    public static let name = "randomApply"
    public static let fields: [StepField<Self>] = [
        .init("probability", \.probability), .init("steps", \.steps),
    ]

    public var probability = 0.5
    public var steps: [Transform] = []

    public init() {}

    public init(probability: Double, _ steps: [any TransformStep]) {
        (self.probability, self.steps) = (probability, steps.map(Transform.init))
    }

    public var changesColor: Bool { steps.contains { $0.step.changesColor } }

    public func check() throws {
        try expectProbability(probability)
        try expectInner(steps)
    }

    public func size(after size: PixelSize?) -> PixelSize? {
        let changed = steps.reduce(size) { $1.step.size(after: $0) }
        return changed == size ? size : nil
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) throws {
        guard random.happens(probability) else { return }
        for step in steps { try step.step.apply(to: &canvas, random: &random) }
    }
}

extension TransformStep {
    /// Throws unless there are steps inside and each of them makes sense there.
    func expectInner(_ steps: [Transform]) throws {
        try expect(!steps.isEmpty, "steps", "[]", "at least one step")
        try expect(
            !steps.contains { $0.step is RandomErasing }, "steps", "\(steps.map(\.name))",
            "randomErasing as a step of its own, at the end")
        for step in steps { try step.step.check() }
    }
}
