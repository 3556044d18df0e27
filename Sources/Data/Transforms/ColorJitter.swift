/// Changes brightness, contrast, saturation and hue by random amounts.
///
/// Factors are uniform in max(0, 1 − x)...1 + x, the hue's turn in −x...x; 0 leaves a property.
public struct ColorJitter: TransformStep {
    public static let name = "colorJitter"
    public var changesColor: Bool { true }
    public static let fields: [StepField<Self>] = [
        .init("brightness", \.brightness), .init("contrast", \.contrast),
        .init("saturation", \.saturation), .init("hue", \.hue),
        .init("probability", \.probability), .init("order", \.order),
    ]

    /// In which order the four changes are made.
    public enum Order: String, Codable, Sendable, CaseIterable {
        /// Another one for each picture, as torchvision.
        case random
        /// Brightness, contrast, saturation, hue.
        case fixed
    }

    public var brightness = 0.4
    public var contrast = 0.4
    public var saturation = 0.4
    /// In turns of the circle, at most 0.5.
    public var hue = 0.0
    /// How often a picture is changed at all.
    public var probability = 1.0
    public var order = Order.random

    public init() {}

    public init(
        brightness: Double, contrast: Double, saturation: Double, hue: Double = 0,
        probability: Double = 1, order: Order = .random
    ) {
        (self.brightness, self.contrast) = (brightness, contrast)
        (self.saturation, self.hue) = (saturation, hue)
        (self.probability, self.order) = (probability, order)
    }

    public func check() throws {
        for (key, value) in [
            ("brightness", brightness), ("contrast", contrast), ("saturation", saturation),
        ] {
            try expect(value >= 0 && value.isFinite, key, "\(value)", "a number from 0 on")
        }
        try expect((0...0.5).contains(hue), "hue", "\(hue)", "a number from 0 to 0.5")
        try expectProbability(probability)
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) {
        guard random.happens(probability) else { return }
        for change in changes(&random) { change.apply(to: &canvas) }
    }

    /// Draws what is done to one picture, in order.
    func changes(_ random: inout CounterRandom) -> [ColorChange] {
        let order = order == .random ? random.permutation(4) : Array(0..<4)
        return order.compactMap { slot in
            switch slot {
            case 0: factor(brightness, &random).map(ColorChange.brightness)
            case 1: factor(contrast, &random).map(ColorChange.contrast)
            case 2: factor(saturation, &random).map(ColorChange.saturation)
            default: hue > 0 ? .hue(random.uniform(in: -hue...hue)) : nil
            }
        }
    }

    private func factor(_ strength: Double, _ random: inout CounterRandom) -> Double? {
        strength > 0 ? random.uniform(in: max(0, 1 - strength)...1 + strength) : nil
    }
}
