import Imaging

extension ImageBuffer {
    /// The first three channels, or the first of fewer: what a page can show.
    var displayed: ImageBuffer {
        let shown = channels >= 3 ? 3 : 1
        guard shown < channels else { return self }
        let all = pixels
        return ImageBuffer(
            width: width, height: height, channels: shown,
            pixels: (0..<width * height * shown).map { all[$0 / shown * channels + $0 % shown] })
    }

    /// The picture with its longer side brought to at most `side`; a thin one stays a pixel wide.
    func shrunk(to side: Int) -> ImageBuffer {
        let longest = max(width, height)
        guard longest > side else { return self }
        var resampler = Resampler()
        var result = ImageBuffer()
        resampler.resize(
            self, box: CropBox(of: size), width: max(1, width * side / longest),
            height: max(1, height * side / longest), interpolation: .bilinear, into: &result)
        return result
    }
}
