/// One of grayscale, solarisation and blur, then colour jitter: Touvron et al., *DeiT III* (2022),
/// section 3.
public struct ThreeAugment: TransformStep {
    public static let name = "threeAugment"
    public var changesColor: Bool { true }
    public static let fields: [StepField<Self>] = [.init("colorJitter", \.colorJitter)]

    /// Strength of the changes of brightness, contrast and saturation.
    public var colorJitter = 0.3

    public init() {}

    public init(colorJitter: Double) { self.colorJitter = colorJitter }

    private var jitter: ColorJitter {
        ColorJitter(brightness: colorJitter, contrast: colorJitter, saturation: colorJitter)
    }

    public func check() throws {
        try expect(
            colorJitter >= 0 && colorJitter.isFinite, "colorJitter", "\(colorJitter)",
            "a number from 0 on")
    }

    public func apply(to canvas: inout Canvas, random: inout CounterRandom) {
        let change: ColorChange =
            switch random.integer(in: 0..<3) {
            case 0: .grayscale
            case 1: .solarize(128)
            default: .blur(random.uniform(in: 0.1...2))
            }
        change.apply(to: &canvas)
        jitter.apply(to: &canvas, random: &random)
    }
}
