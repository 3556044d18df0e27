public import Imaging

/// Mixes the pictures of a batch and their labels: Zhang et al., *mixup* (2018), and Yun et al.,
/// *CutMix* (2019), as timm does it.
///
/// Picture i is mixed with picture B − 1 − i: λ x + (1 − λ) x′, or a rectangle of x′ is put into x
/// and λ is the part of x that is left. The target is λ y + (1 − λ) y′ with smoothed labels.
public struct Mixing: Codable, Sendable, Equatable {
    /// What a draw of λ, and of the rectangle, counts for.
    public enum Mode: String, Codable, Sendable, CaseIterable {
        /// The whole batch.
        case batch
        /// A picture and its partner.
        case pair
        /// One picture.
        case element = "elem"
    }

    /// λ ~ Beta(α, α); 0 turns mixup off.
    public var mixupAlpha = 0.8
    /// The same of CutMix.
    public var cutmixAlpha = 1.0
    /// Least and greatest part of each side that a rectangle takes, instead of √(1 − λ); nil to
    /// draw it by λ.
    public var cutmixMinMax: [Double]?
    /// How often there is mixing at all.
    public var probability = 1.0
    /// How often it is CutMix where both are on.
    public var switchProbability = 0.5
    public var mode = Mode.batch
    /// The part of a label that is spread over all classes.
    public var smoothing = 0.1

    public init() {}

    public init(mixupAlpha: Double, cutmixAlpha: Double, mode: Mode = .batch) {
        (self.mixupAlpha, self.cutmixAlpha, self.mode) = (mixupAlpha, cutmixAlpha, mode)
    }

    /// Throws `DataError` for settings that make no sense.
    public func validate() throws {
        func expect(_ condition: Bool, _ key: String, _ found: String, _ expected: String) throws {
            guard !condition else { return }
            throw DataError(.invalidMixing, "mixing.\(key)", "is \(found)", remedy: expected)
        }
        for (key, value) in [("mixupAlpha", mixupAlpha), ("cutmixAlpha", cutmixAlpha)] {
            try expect(value >= 0 && value.isFinite, key, "\(value)", "expected 0 (off) or more")
        }
        try expect(
            mixupAlpha > 0 || cuts, "mixupAlpha", "0, and there is no CutMix either",
            "expected one of mixupAlpha, cutmixAlpha and cutmixMinMax; leave mixing out to have none"
        )
        if let parts = cutmixMinMax {
            try expect(
                parts.count == 2 && parts[0] >= 0 && parts[0] < parts[1] && parts[1] <= 1,
                "cutmixMinMax", "\(parts)", "expected two numbers 0 <= least < greatest <= 1")
        }
        for (key, value) in [
            ("probability", probability), ("switchProbability", switchProbability),
            ("smoothing", smoothing),
        ] {
            try expect((0...1).contains(value), key, "\(value)", "expected a number from 0 to 1")
        }
    }

    private var cuts: Bool { cutmixAlpha > 0 || cutmixMinMax != nil }

    /// Draws for a batch of `count` pictures, which must be even unless each has draws of its own.
    public func plan(
        count: Int, size: PixelSize, random: inout CounterRandom
    ) -> MixPlan {
        let draws =
            switch mode {
            case .batch: 1
            case .pair: count / 2
            case .element: count
            }
        return MixPlan(
            (0..<draws).map { _ in draw(size, &random) }, mode: mode, count: count)
    }

    /// Draws one mixture.
    func draw(_ size: PixelSize, _ random: inout CounterRandom) -> MixPlan.Mixture {
        guard random.happens(probability) else { return .none }
        let (lambda, isCut) = drawLambda(&random)
        return isCut ? .paste(drawBox(lambda, size, &random)) : .blend(lambda)
    }

    /// Draws between mixup and CutMix, and λ.
    func drawLambda(_ random: inout CounterRandom) -> (lambda: Double, isCut: Bool) {
        let isCut = cuts && (mixupAlpha == 0 || random.happens(switchProbability))
        let alpha = isCut ? cutmixAlpha : mixupAlpha
        // With alpha 0 the sides come from cutmixMinMax alone.
        return (alpha > 0 ? random.beta(alpha, alpha) : 1, isCut)
    }

    private func drawBox(
        _ lambda: Double, _ size: PixelSize, _ random: inout CounterRandom
    ) -> CropBox {
        guard let parts = cutmixMinMax else {
            let center = (
                random.integer(in: 0..<size.height), random.integer(in: 0..<size.width)
            )
            return Self.box(lambda: lambda, center: center, in: size)
        }
        func side(_ whole: Int) -> Int {
            let (least, greatest) = (Int(Double(whole) * parts[0]), Int(Double(whole) * parts[1]))
            return least < greatest ? random.integer(in: least..<greatest) : least
        }
        let (height, width) = (side(size.height), side(size.width))
        return CropBox(
            top: random.integer(in: 0..<max(size.height - height, 1)),
            left: random.integer(in: 0..<max(size.width - width, 1)), height: height, width: width)
    }

    /// The rectangle of sides √(1 − λ) about a centre, cut to the picture.
    static func box(lambda: Double, center: (Int, Int), in size: PixelSize) -> CropBox {
        let side = (1 - lambda).squareRoot()
        func range(_ whole: Int, _ center: Int) -> Range<Int> {
            let half = Int(Double(whole) * side) / 2
            return max(center - half, 0)..<min(center + half, whole)
        }
        let (rows, columns) = (range(size.height, center.0), range(size.width, center.1))
        return CropBox(
            top: rows.lowerBound, left: columns.lowerBound, height: rows.count,
            width: columns.count)
    }
}
