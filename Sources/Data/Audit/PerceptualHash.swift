import Foundation
import Imaging

/// A picture shrunk to 32 × 32 grey values, and the 64 bits by which copies of it are found.
///
/// The hash is that of Zauner, *Implementation and Benchmarking of Perceptual Image Hash Functions*
/// (2010), section 3.2.1: the 8 × 8 lowest frequencies of the DCT of the thumbnail, each a bit that
/// says whether it is above their median. Saving again, resizing and small changes of brightness
/// flip few bits; two different pictures differ in about 32.
struct PerceptualHash {
    static let side = 32
    private static let kept = 8
    private var resampler = Resampler()
    private var small = ImageBuffer()
    /// cos(π / 32 · (x + ½) · u), `[8, 32]`.
    private static let cosines: [Float] = (0..<kept).flatMap { u in
        (0..<side).map { x in
            Float(cos(Double.pi / Double(side) * (Double(x) + 0.5) * Double(u)))
        }
    }

    /// The picture shrunk, its aspect ratio forgotten: 1024 grey values, row by row.
    ///
    /// nil for a picture of other than 1 or 3 channels, and for one so tall that shrinking its rows
    /// alone would take much memory.
    mutating func thumbnail(_ image: ImageBuffer) -> [UInt8]? {
        guard image.width > 0, (1...1 << 20).contains(image.height),
            image.channels == 1 || image.channels == 3
        else { return nil }
        resampler.resize(
            image, box: CropBox(of: image.size), width: Self.side, height: Self.side,
            interpolation: .box, into: &small)
        return small.converted(toChannels: 1).pixels
    }

    /// The hash of a thumbnail; nil for one without contrast, whose bits would be noise.
    static func hash(_ thumbnail: [UInt8]) -> UInt64? {
        guard deviation(thumbnail) >= 2 else { return nil }
        var rows = [Float](repeating: 0, count: kept * side)  // [u, y]
        for u in 0..<kept {
            for y in 0..<side {
                var sum: Float = 0
                for x in 0..<side { sum += cosines[u * side + x] * Float(thumbnail[y * side + x]) }
                rows[u * side + y] = sum
            }
        }
        var frequencies = [Float](repeating: 0, count: kept * kept)  // [v, u]
        for v in 0..<kept {
            for u in 0..<kept {
                var sum: Float = 0
                for y in 0..<side { sum += cosines[v * side + y] * rows[u * side + y] }
                frequencies[v * kept + u] = sum
            }
        }
        // The first is the mean brightness: it would shift the median and says nothing.
        let median = frequencies.dropFirst().sorted()[31]
        return frequencies.enumerated().reduce(into: 0) { bits, item in
            if item.offset > 0, item.element > median { bits |= 1 << UInt64(item.offset) }
        }
    }

    /// Pearson's correlation of two thumbnails, −1...1.
    static func correlation(_ a: [UInt8], _ b: [UInt8]) -> Double {
        let (meanA, meanB) = (mean(a), mean(b))
        let covariance =
            zip(a, b).reduce(0.0) { $0 + (Double($1.0) - meanA) * (Double($1.1) - meanB) }
            / Double(a.count)
        let spread = deviation(a) * deviation(b)
        return spread > 0 ? covariance / spread : 0
    }

    private static func mean(_ values: [UInt8]) -> Double {
        Double(values.reduce(0) { $0 + Int($1) }) / Double(values.count)
    }

    private static func deviation(_ values: [UInt8]) -> Double {
        let mean = mean(values)
        let square = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        return (square / Double(values.count)).squareRoot()
    }
}
