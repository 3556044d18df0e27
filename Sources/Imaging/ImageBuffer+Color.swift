import CCodecs

/// Changes of colour on 8-bit values, bit for bit as Pillow's `ImageEnhance` and HSV do.
///
/// Most of them move each value v towards or away from a reference r: ⌊r + f (v − r)⌋ in float32,
/// cut to 0...255. f = 1 changes nothing, f = 0 leaves r. Grey pictures have no colour to change.
extension ImageBuffer {
    /// r = 0.
    public mutating func adjustBrightness(_ factor: Float) {
        mapValues { blend(0, $0, factor) }
    }

    /// r = the mean luma, rounded.
    public mutating func adjustContrast(_ factor: Float) {
        guard byteCount > 0 else { return }
        let mean = Int(Double(lumaSum) / Double(width * height) + 0.5)
        mapValues { blend(Float(mean), $0, factor) }
    }

    /// r = the pixel's luma.
    public mutating func adjustSaturation(_ factor: Float) {
        guard channels == 3 else { return }
        let count = width * height
        withUnsafeMutableBytes { cc_blend_luma($0.baseAddress, count, factor) }
    }

    /// Turns the hue by `turns` of the circle, −0.5...0.5, in steps of 1/256 cut towards 0.
    public mutating func adjustHue(_ turns: Double) {
        guard channels == 3 else { return }
        let (count, shift) = (width * height, Int32(turns * 255))
        withUnsafeMutableBytes { cc_shift_hue($0.baseAddress, count, shift) }
    }

    /// Gives all channels the luma; their number stays.
    public mutating func removeColor() { adjustSaturation(0) }

    /// r = the picture smoothed by the weights 1 1 1, 1 5 1, 1 1 1 over 13.
    ///
    /// The outermost pixels stay. Writes into `result`.
    public func adjustSharpness(_ factor: Float, into result: inout ImageBuffer) {
        result.reshape(width: width, height: height, channels: channels)
        withUnsafeBytes { source in
            result.withUnsafeMutableBytes { target in
                cc_sharpen(
                    source.baseAddress, target.baseAddress, Int32(width), Int32(height),
                    Int32(channels), factor)
            }
        }
    }

    /// Sum over all pixels of the luma.
    private var lumaSum: UInt64 {
        withUnsafeBytes { pixels in
            channels == 3
                ? cc_luma_sum(pixels.baseAddress, width * height)
                : pixels.reduce(0) { $0 + UInt64($1) }
        }
    }
}

/// ⌊r + f (v − r)⌋, cut to 0...255.
private func blend(_ reference: Float, _ value: UInt8, _ factor: Float) -> UInt8 {
    let mixed = reference + factor * (Float(value) - reference)
    return UInt8(min(max(mixed, 0), 255))
}
