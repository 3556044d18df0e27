import Imaging

/// Mean and variance of the channels over many pictures, in whole numbers.
///
/// Every picture counts the same whatever its size, as it does in training. A picture's mean and
/// mean square are rounded to 2⁻²⁰; sums of whole numbers do not depend on their order, so neither
/// does the result on the number of threads.
struct ChannelSums: Sendable, Equatable {
    private var means = SIMD3<Int>.zero
    private var squares = SIMD3<Int>.zero
    private(set) var count = 0
    private var greyCount = 0
    private static let scale = Double(1 << 20)

    /// Adds a picture; grey counts for all three channels.
    mutating func add(_ picture: ChannelMoments) {
        for channel in 0..<3 {
            let own = min(channel, picture.means.count - 1)
            means[channel] += Int((picture.means[own] * Self.scale).rounded())
            squares[channel] += Int((picture.meanSquares[own] * Self.scale).rounded())
        }
        count += 1
        greyCount += picture.means.count == 1 ? 1 : 0
    }

    static func += (a: inout ChannelSums, b: ChannelSums) {
        a.means &+= b.means
        a.squares &+= b.squares
        a.count += b.count
        a.greyCount += b.greyCount
    }

    /// Mean and standard deviation of pixels scaled to 0...1; one channel if all pictures are grey.
    var statistics: ChannelStatistics? {
        guard count > 0 else { return nil }
        let total = Double(count) * Self.scale
        let channels = greyCount == count ? 1 : 3
        let mean = (0..<channels).map { Double(means[$0]) / total }
        let std = (0..<channels).map { channel in
            max(Double(squares[channel]) / total - mean[channel] * mean[channel], 0).squareRoot()
        }
        return ChannelStatistics(mean: mean.map { $0 / 255 }, std: std.map { $0 / 255 })
    }
}

/// Mean and standard deviation of each channel, as `data.mean` and `data.std` take them.
public struct ChannelStatistics: Codable, Sendable, Equatable {
    /// One number for grey, three for RGB, pixels being 0 to 1.
    public let mean: [Double]
    public let std: [Double]
}
