import CCodecs
import Foundation

/// Where each pixel of a result comes from: x = a·u + b·v + c, y = d·u + e·v + f for the centre
/// (u, v) of a result's pixel, which has half pixels.
public struct AffineMap: Sendable, Equatable {
    public var a = 1.0
    public var b = 0.0
    public var c = 0.0
    public var d = 0.0
    public var e = 1.0
    public var f = 0.0

    public init() {}

    /// Shears along x by `x` pixels a row and along y by `y` pixels a column.
    public static func shear(x: Double = 0, y: Double = 0) -> AffineMap {
        var map = AffineMap()
        (map.b, map.d) = (x, y)
        return map
    }

    /// Moves the picture to the left and upwards.
    public static func translation(x: Double = 0, y: Double = 0) -> AffineMap {
        var map = AffineMap()
        (map.c, map.f) = (x, y)
        return map
    }

    /// Turns counter-clockwise about the centre of a picture of the given size.
    public static func rotation(degrees: Double, about size: PixelSize) -> AffineMap {
        // Pillow takes the angle into 0..<360 and the matrix to 15 decimals.
        var turned = degrees.truncatingRemainder(dividingBy: 360)
        if turned < 0 { turned += 360 }
        let angle = -turned * .pi / 180
        var map = AffineMap()
        (map.a, map.b) = (rounded(cos(angle)), rounded(sin(angle)))
        (map.d, map.e) = (rounded(-sin(angle)), rounded(cos(angle)))
        let (x, y) = (Double(size.width) / 2, Double(size.height) / 2)
        map.c = map.a * -x + map.b * -y + x
        map.f = map.d * -x + map.e * -y + y
        return map
    }

    private static func rounded(_ value: Double) -> Double {
        (value * 1e15).rounded(.toNearestOrEven) / 1e15
    }
}

/// How a value between pixels is found; not the filters of `Interpolation`, which also shrink.
public enum AffineInterpolation: String, Codable, Sendable, CaseIterable {
    case bilinear
    /// Cubic with a = −1, as Pillow's `transform`.
    case bicubic
}

extension ImageBuffer {
    /// Maps the picture into `result`, of the same size; what has no source gets the colour `fill`.
    ///
    /// Bit for bit as Pillow's `transform` and `rotate`. `fill` has one number for each channel, or
    /// one for all.
    public func mapped(
        by map: AffineMap, _ interpolation: AffineInterpolation, fill: [UInt8],
        into result: inout ImageBuffer
    ) {
        require(channels <= 4, "ImageBuffer: affine maps of \(channels) channels")
        result.reshape(width: width, height: height, channels: channels)
        result.fill(fill)
        let matrix = [map.a, map.b, map.c, map.d, map.e, map.f]
        withUnsafeBytes { source in
            result.withUnsafeMutableBytes { target in
                cc_affine(
                    source.baseAddress, Int32(width), Int32(height), Int32(channels),
                    target.baseAddress, matrix, interpolation == .bicubic ? 1 : 0)
            }
        }
    }

    /// Gives all pixels one colour.
    mutating func fill(_ color: [UInt8]) {
        require(
            color.count == 1 || color.count == channels,
            "ImageBuffer: the colour \(color) in a picture of \(channels) channels")
        let channels = channels
        withUnsafeMutableBytes { pixels in
            if color.allSatisfy({ $0 == color[0] }) {
                pixels.update(repeating: color[0])
                return
            }
            var channel = 0
            for i in pixels.indices {
                pixels[i] = color[channel]
                channel = channel + 1 == channels ? 0 : channel + 1
            }
        }
    }
}
