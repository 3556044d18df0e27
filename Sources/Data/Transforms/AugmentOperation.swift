import Imaging

/// One operation of RandAugment and AutoAugment; magnitudes reach from 0 to 10.
///
/// Of some there are two forms: the older is not stronger with a greater magnitude throughout, the
/// "increasing" one is.
enum AugmentOperation: String, Sendable, CaseIterable {
    case autoContrast
    case equalize
    case invert
    case rotate
    case posterize
    case posterizeIncreasing
    case posterizeOriginal
    case solarize
    case solarizeIncreasing
    case solarizeAdd
    case color
    case colorIncreasing
    case contrast
    case contrastIncreasing
    case brightness
    case brightnessIncreasing
    case sharpness
    case sharpnessIncreasing
    case shearX
    case shearY
    /// By pixels.
    case translateX
    case translateY
    /// By a part of the picture's width or height.
    case translateXRelative
    case translateYRelative

    /// The fifteen operations of RandAugment as timm has them.
    static func randAugment(increasing: Bool) -> [AugmentOperation] {
        [
            .autoContrast, .equalize, .invert, .rotate,
            increasing ? .posterizeIncreasing : .posterize,
            increasing ? .solarizeIncreasing : .solarize, .solarizeAdd,
            increasing ? .colorIncreasing : .color,
            increasing ? .contrastIncreasing : .contrast,
            increasing ? .brightnessIncreasing : .brightness,
            increasing ? .sharpnessIncreasing : .sharpness, .shearX, .shearY,
            .translateXRelative, .translateYRelative,
        ]
    }

    /// Whether the operation goes two ways, drawn with equal probability.
    var isSigned: Bool {
        switch self {
        case .rotate, .shearX, .shearY, .translateX, .translateY, .translateXRelative,
            .translateYRelative, .colorIncreasing, .contrastIncreasing, .brightnessIncreasing,
            .sharpnessIncreasing:
            true
        default: false
        }
    }

    /// What a magnitude means to the operation: degrees, bits, a threshold, a factor, a part.
    ///
    /// `translation` is the greatest number of pixels of `translateX` and `translateY`.
    func argument(magnitude: Double, isNegative: Bool = false, translation: Double = 100) -> Double
    {
        let part = magnitude / 10
        let sign = isNegative ? -1.0 : 1.0
        switch self {
        case .autoContrast, .equalize, .invert: return 0
        case .rotate: return sign * (part * 30)
        case .posterize: return (part * 4).rounded(.down)
        case .posterizeIncreasing: return 4 - (part * 4).rounded(.down)
        case .posterizeOriginal: return (part * 4).rounded(.down) + 4
        case .solarize: return (part * 256).rounded(.down)
        case .solarizeIncreasing: return 256 - (part * 256).rounded(.down)
        case .solarizeAdd: return (part * 110).rounded(.down)
        case .color, .contrast, .brightness, .sharpness: return part * 1.8 + 0.1
        case .colorIncreasing, .contrastIncreasing, .brightnessIncreasing, .sharpnessIncreasing:
            return max(0.1, 1 + sign * (part * 0.9))
        case .shearX, .shearY: return sign * (part * 0.3)
        case .translateX, .translateY: return sign * (part * translation)
        case .translateXRelative, .translateYRelative: return sign * (part * 0.45)
        }
    }

    /// Makes the operation; `fill` is the colour of what comes from beyond the picture.
    func apply(
        _ argument: Double, to canvas: inout Canvas, _ interpolation: AffineInterpolation,
        fill: [UInt8]
    ) {
        switch self {
        case .autoContrast: canvas.recolor { $0.autoContrast() }
        case .equalize: canvas.recolor { $0.equalize() }
        case .invert: canvas.recolor { $0.invert() }
        case .posterize, .posterizeIncreasing, .posterizeOriginal:
            canvas.recolor { $0.posterize(bits: Int(argument)) }
        case .solarize, .solarizeIncreasing:
            canvas.recolor { $0.solarize(threshold: Int(argument)) }
        case .solarizeAdd: canvas.recolor { $0.solarizeAdd(Int(argument)) }
        case .color, .colorIncreasing:
            canvas.recolor { $0.adjustSaturation(Float(argument)) }
        case .contrast, .contrastIncreasing:
            canvas.recolor { $0.adjustContrast(Float(argument)) }
        case .brightness, .brightnessIncreasing:
            canvas.recolor { $0.adjustBrightness(Float(argument)) }
        case .sharpness, .sharpnessIncreasing:
            canvas.replace { $0.adjustSharpness(Float(argument), into: &$1) }
        case .rotate, .shearX, .shearY, .translateX, .translateY, .translateXRelative,
            .translateYRelative:
            let map = map(argument, canvas.size)
            if fill.count > 1 { canvas.makeColored() }
            let color = canvas.channels == 1 ? Array(fill.prefix(1)) : fill
            canvas.replace { $0.mapped(by: map, interpolation, fill: color, into: &$1) }
        }
    }

    private func map(_ argument: Double, _ size: PixelSize) -> AffineMap {
        switch self {
        case .rotate: .rotation(degrees: argument, about: size)
        case .shearX: .shear(x: argument)
        case .shearY: .shear(y: argument)
        case .translateX: .translation(x: argument)
        case .translateY: .translation(y: argument)
        case .translateXRelative: .translation(x: argument * Double(size.width))
        case .translateYRelative: .translation(y: argument * Double(size.height))
        default: AffineMap()
        }
    }
}
