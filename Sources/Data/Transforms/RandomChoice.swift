public import Imaging

/// One of several steps, all equally likely.
public struct RandomChoice: TransformStep {
    public static let name = "randomChoice"
    public static let fields: [StepField<Self>] = [.init("steps", \.steps)]

    public var steps: [Transform] = []

    public init() {}

    public init(_ steps: [any TransformStep]) { self.steps = steps.map(Transform.init) }

    public var changesColor: Bool { steps.contains { $0.step.changesColor } }

    public func check() throws { try expectInner(steps) }

    public func size(after size: PixelSize?) -> PixelSize? {
        let sizes = steps.map { $0.step.size(after: size) }
        guard let first = sizes.first, sizes.allSatisfy({ $0 == first }) else { return nil }
        return first
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) throws {
        let step = steps[random.integer(in: 0..<steps.count)].step
        try step.apply(to: &canvas, random: &random)
    }
}
