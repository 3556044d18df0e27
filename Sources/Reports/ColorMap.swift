import Foundation

/// Numbers from 0 to 1 as colours from deep violet over teal to light yellow.
///
/// The map is drawn in the OKLCh space (Ottosson, *A perceptual color space for image processing*,
/// 2020): lightness rises in equal steps, so that equal differences of the numbers look equal, also
/// in grey and to colour-blind eyes; the hue turns from 300° to 105°; chroma is as high as sRGB
/// admits, at most 0.14.
public struct ColorMap: Sendable {
    public struct Color: Sendable, Equatable {
        public let red: UInt8
        public let green: UInt8
        public let blue: UInt8

        /// `#2a788e`.
        public var hex: String { String(format: "#%02x%02x%02x", red, green, blue) }
    }

    /// The one map of all pictures.
    public static let standard = ColorMap()

    private let colors: [Color]

    private init() { colors = (0..<256).map { Self.color(at: Double($0) / 255) } }

    /// The colour of `value`; below 0 and above 1 that of the end, for NaN a middle grey.
    public subscript(value: Double) -> Color {
        if value.isNaN { return Color(red: 128, green: 128, blue: 128) }
        return colors[Int((min(max(value, 0), 1) * 255).rounded())]
    }

    private static func color(at share: Double) -> Color {
        let lightness = 0.27 + 0.67 * share
        let hue = (300 - 195 * share) * .pi / 180
        var inside = 0.0
        var outside = 0.14
        if let color = linear(lightness, outside, hue) { return encode(color) }
        for _ in 0..<20 {
            let middle = (inside + outside) / 2
            if linear(lightness, middle, hue) == nil { outside = middle } else { inside = middle }
        }
        return encode(linear(lightness, inside, hue) ?? [lightness, lightness, lightness])
    }

    /// OKLCh to linear sRGB; nil outside of its cube.
    private static func linear(_ lightness: Double, _ chroma: Double, _ hue: Double) -> [Double]? {
        let a = chroma * cos(hue)
        let b = chroma * sin(hue)
        let l = pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3)
        let m = pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3)
        let s = pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3)
        let color = [
            4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
            -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
            -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
        ]
        return color.allSatisfy { (-1e-6...1 + 1e-6).contains($0) } ? color : nil
    }

    /// The sRGB transfer function (IEC 61966-2-1), to 8 bits.
    private static func encode(_ linear: [Double]) -> Color {
        let bytes = linear.map { value -> UInt8 in
            let value = min(max(value, 0), 1)
            let encoded = value <= 0.0031308 ? 12.92 * value : 1.055 * pow(value, 1 / 2.4) - 0.055
            return UInt8((encoded * 255).rounded())
        }
        return Color(red: bytes[0], green: bytes[1], blue: bytes[2])
    }

    /// The map as a CSS gradient from left to right.
    var gradient: HTML {
        let stops = stride(from: 0, through: 16, by: 1).map { self[Double($0) / 16].hex }
        return HTML(markup: "linear-gradient(90deg,\(stops.joined(separator: ",")))")
    }
}
