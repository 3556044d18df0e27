import Imaging

/// One change of colour, drawn or recorded.
enum ColorChange: Equatable, Sendable {
    case brightness(Double)
    case contrast(Double)
    case saturation(Double)
    /// In turns of the circle.
    case hue(Double)
    case grayscale
    case blur(Double)
    case solarize(Int)

    func apply(to canvas: inout Canvas) {
        // None of them tells left from right.
        canvas.recolor { image in
            switch self {
            case .brightness(let factor): image.adjustBrightness(Float(factor))
            case .contrast(let factor): image.adjustContrast(Float(factor))
            case .saturation(let factor): image.adjustSaturation(Float(factor))
            case .hue(let turns): image.adjustHue(turns)
            case .grayscale: image.removeColor()
            case .blur(let sigma): image.blur(sigma: Float(sigma))
            case .solarize(let threshold): image.solarize(threshold: threshold)
            }
        }
    }
}
