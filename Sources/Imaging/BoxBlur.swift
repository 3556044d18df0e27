import CCodecs

/// Pillow's approximation of a Gaussian blur: three boxes of real width along rows, then columns.
///
/// With v = σ²/3 and ℓ = ⌊(√(12 v + 1) − 1) / 2⌋ the box's radius is
/// ρ = ℓ + (2ℓ + 1)(ℓ(ℓ + 1) − 3v) / (6 (v − (ℓ + 1)²)): Gwosdek et al., *Theoretical Foundations of
/// Gaussian Convolution by Extended Box Filtering* (2011). All of it in float32: the rounding of the
/// weights shows in the pixels.
struct BoxBlur {
    /// The largest σ: 16-bit sums hold no wider box.
    static let greatestSigma: Float = 100
    private static let passes = 3

    private let box: cc_blur_box

    init(sigma: Float) {
        let variance = sigma * sigma / Float(Self.passes)
        let lower = (((12 * variance + 1).squareRoot() - 1) / 2).rounded(.down)
        let correction =
            (2 * lower + 1) * (lower * (lower + 1) - 3 * variance)
            / (6 * (variance - (lower + 1) * (lower + 1)))
        let radius = lower + correction
        let whole = UInt32(Float(1 << 24) / (2 * radius + 1))
        let inner = UInt32(radius)
        let edge = ((1 << 24) - (2 * inner + 1) * whole) / 2
        box = cc_blur_box(radius: Int32(inner), whole: whole, edge: edge)
    }

    func apply(to image: inout ImageBuffer) {
        let (width, height) = (Int32(image.width), Int32(image.height))
        let channels = Int32(image.channels)
        guard image.byteCount > 0 else { return }
        let scratch = cc_box_blur_scratch(width, height, channels, box)
        withUnsafeTemporaryAllocation(byteCount: scratch, alignment: 64) { scratch in
            let memory = scratch.bindMemory(to: UInt8.self).baseAddress
            image.withUnsafeMutableBytes {
                cc_box_blur(
                    $0.baseAddress, width, height, channels, box, Int32(Self.passes), memory)
            }
        }
    }
}

extension ImageBuffer {
    /// The largest blur that can be made, in pixels.
    public static var greatestBlur: Float { BoxBlur.greatestSigma }

    /// Blurs by a standard deviation of `sigma` pixels, bit for bit as Pillow's `GaussianBlur`.
    public mutating func blur(sigma: Float) {
        require(
            (0...Self.greatestBlur).contains(sigma), "ImageBuffer: a blur of \(sigma) pixels")
        BoxBlur(sigma: sigma).apply(to: &self)
    }
}
