import CCodecs

/// Mean and mean square of each channel of a picture, values being 0 to 255.
public struct ChannelMoments: Sendable, Equatable {
    public let means: [Double]
    public let meanSquares: [Double]

    /// nil for a picture without pixels, or of other than 1 or 3 channels.
    public init?(_ image: ImageBuffer) {
        let count = image.width * image.height
        guard count > 0, image.channels == 1 || image.channels == 3 else { return nil }
        var sums = [UInt64](repeating: 0, count: image.channels)
        var squares = sums
        image.withUnsafeBytes { pixels in
            cc_channel_sums(
                pixels.baseAddress, pixels.count, Int32(image.channels), &sums, &squares)
        }
        means = sums.map { Double($0) / Double(count) }
        meanSquares = squares.map { Double($0) / Double(count) }
    }

    /// The largest standard deviation of a channel, 0 for a picture of one colour.
    public var spread: Double {
        zip(means, meanSquares).map { max($1 - $0 * $0, 0).squareRoot() }.max() ?? 0
    }
}
