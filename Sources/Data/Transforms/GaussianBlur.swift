import Imaging

/// Blurs by a random radius with the given probability, as Pillow's `GaussianBlur`.
public struct GaussianBlur: TransformStep {
    public static let name = "gaussianBlur"
    public static let fields: [StepField<Self>] = [
        .init("probability", \.probability), .init("sigma", \.sigma),
    ]

    public var probability = 0.5
    /// Least and greatest standard deviation in pixels, which Pillow calls radius.
    public var sigma = [0.1, 2.0]

    public init() {}

    public init(probability: Double, sigma: [Double] = [0.1, 2.0]) {
        (self.probability, self.sigma) = (probability, sigma)
    }

    public func check() throws {
        try expectProbability(probability)
        try expect(
            sigma.count == 2 && sigma[0] >= 0 && sigma[0] <= sigma[1]
                && sigma[1] <= Double(ImageBuffer.greatestBlur), "sigma", "\(sigma)",
            "two numbers 0 <= least <= greatest <= \(Int(ImageBuffer.greatestBlur))")
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) {
        guard random.happens(probability) else { return }
        ColorChange.blur(random.uniform(in: sigma[0]...sigma[1])).apply(to: &canvas)
    }
}
