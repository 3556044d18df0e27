import Imaging

/// A few random operations of random strength: Cubuk et al., *RandAugment* (2020), as timm does it.
public struct RandAugment: TransformStep {
    public static let name = "randAugment"
    public var changesColor: Bool { true }
    public static let fields: [StepField<Self>] = [
        .init("policy", \.policy), .init("probability", \.probability),
        .init("interpolation", \.interpolation), .init("fill", \.fill),
    ]

    /// How pixels are found when a picture is turned, sheared or moved.
    public enum Sampling: String, Codable, Sendable, CaseIterable {
        case bilinear
        case bicubic
        /// One of the two for each operation.
        case random
    }

    public var policy = RandAugmentPolicy(magnitude: 9, isIncreasing: true)
    /// How often a drawn operation is made.
    public var probability = 0.5
    public var interpolation = Sampling.bicubic
    /// The colour of what comes from beyond the picture: ImageNet's mean.
    public var fill = [124, 116, 104]

    public init() {}

    public init(
        _ policy: RandAugmentPolicy, interpolation: Sampling = .bicubic,
        fill: [Int] = [124, 116, 104]
    ) {
        (self.policy, self.interpolation, self.fill) = (policy, interpolation, fill)
    }

    public func check() throws {
        try expectProbability(probability)
        try expect(
            fill.count == 1 || fill.count == 3, "fill", "\(fill)", "one number or three")
        try expect(
            fill.allSatisfy((0...255).contains), "fill", "\(fill)", "numbers from 0 to 255")
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) {
        let color = fill.map { UInt8(clamping: $0) }
        for draw in draws(&random) {
            draw.operation.apply(draw.argument, to: &canvas, draw.interpolation, fill: color)
        }
    }

    /// An operation that is made.
    struct Draw: Equatable {
        var operation: AugmentOperation
        var magnitude: Double
        var isNegative: Bool
        var interpolation: AffineInterpolation

        var argument: Double { operation.argument(magnitude: magnitude, isNegative: isNegative) }
    }

    /// Draws what is done to one picture, in order.
    func draws(_ random: inout CounterRandom) -> [Draw] {
        let operations = AugmentOperation.randAugment(increasing: policy.isIncreasing)
        let chosen = (0..<policy.count).map { _ in
            operations[random.integer(in: 0..<operations.count)]
        }
        return chosen.compactMap { operation in
            guard random.happens(probability) else { return nil }
            var magnitude = policy.magnitude
            if policy.magnitudeStd > 0 { magnitude += policy.magnitudeStd * random.normal() }
            return Draw(
                operation: operation, magnitude: min(max(magnitude, 0), 10),
                isNegative: operation.isSigned && random.happens(0.5),
                interpolation: sampling(&random))
        }
    }

    private func sampling(_ random: inout CounterRandom) -> AffineInterpolation {
        switch interpolation {
        case .bilinear: .bilinear
        case .bicubic: .bicubic
        case .random: random.happens(0.5) ? .bilinear : .bicubic
        }
    }
}
