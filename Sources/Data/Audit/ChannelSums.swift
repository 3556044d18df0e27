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

    /// Adds a picture of 1 or 3 channels; grey counts for all three.
    ///
    /// - Returns: the largest standard deviation of its channels, 0...127.5.
    @discardableResult
    mutating func add(_ image: ImageBuffer) -> Double {
        let pixels = image.width * image.height
        guard pixels > 0, image.channels == 1 || image.channels == 3 else { return .infinity }
        let (sum, square) = image.channels == 1 ? Self.greySums(image) : Self.colorSums(image)
        let mean = SIMD3<Double>(sum) / Double(pixels)
        let meanSquare = SIMD3<Double>(square) / Double(pixels)
        for channel in 0..<3 {
            means[channel] += Int((mean[channel] * Self.scale).rounded())
            squares[channel] += Int((meanSquare[channel] * Self.scale).rounded())
        }
        count += 1
        greyCount += image.channels == 1 ? 1 : 0
        return (meanSquare - mean * mean).max().squareRoot()
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

    private static func greySums(_ image: ImageBuffer) -> (SIMD3<Int>, SIMD3<Int>) {
        var (sum, square) = (0, 0)
        image.withUnsafeBytes { pixels in
            var start = 0
            while start < pixels.count {
                // 65025 · 65536 is below 2³².
                let end = min(start + 65536, pixels.count)
                var (part, partSquare): (UInt32, UInt32) = (0, 0)
                for index in start..<end {
                    let value = UInt32(pixels[index])
                    part &+= value
                    partSquare &+= value &* value
                }
                sum += Int(part)
                square += Int(partSquare)
                start = end
            }
        }
        return (SIMD3(repeating: sum), SIMD3(repeating: square))
    }

    /// Sixteen pixels, 48 bytes, at a time: lane i always holds channel i mod 3.
    private static func colorSums(_ image: ImageBuffer) -> (SIMD3<Int>, SIMD3<Int>) {
        var sums = [Int](repeating: 0, count: 3)
        var squares = [Int](repeating: 0, count: 3)
        image.withUnsafeBytes { pixels in
            guard let base = pixels.baseAddress else { return }
            let whole = pixels.count / 48
            var block = 0
            while block < whole {
                let end = min(block + 4096, whole)
                withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 96) { lanes in
                    lanes.initialize(repeating: 0)
                    guard let sum = lanes.baseAddress else { return }
                    let square = sum + 48
                    for at in block..<end {
                        let source = base + at * 48
                        for lane in 0..<48 {
                            let value = UInt32(source[lane])
                            sum[lane] &+= value
                            square[lane] &+= value &* value
                        }
                    }
                    for lane in 0..<48 {
                        sums[lane % 3] += Int(sum[lane])
                        squares[lane % 3] += Int(square[lane])
                    }
                }
                block = end
            }
            for index in whole * 48..<pixels.count {
                let value = Int(pixels[index])
                sums[index % 3] += value
                squares[index % 3] += value * value
            }
        }
        return (SIMD3(sums[0], sums[1], sums[2]), SIMD3(squares[0], squares[1], squares[2]))
    }
}

/// Mean and standard deviation of each channel, as `data.mean` and `data.std` take them.
public struct ChannelStatistics: Codable, Sendable, Equatable {
    /// One number for grey, three for RGB, pixels being 0 to 1.
    public let mean: [Double]
    public let std: [Double]
}
