import Imaging

/// A small generator for test pictures (SplitMix64).
struct TestRandom: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

func noise(width: Int, height: Int, channels: Int, seed: UInt64 = 1) -> ImageBuffer {
    var random = TestRandom(seed)
    return ImageBuffer(
        width: width, height: height, channels: channels,
        pixels: (0..<width * height * channels).map { _ in UInt8.random(in: 0...255, using: &random)
        })
}

/// A smooth picture, which JPEG keeps almost unchanged.
func gradient(width: Int, height: Int, channels: Int) -> ImageBuffer {
    var image = ImageBuffer(width: width, height: height, channels: channels)
    for y in 0..<height {
        for x in 0..<width {
            for c in 0..<channels {
                image[y, x, c] = UInt8((40 + 3 * x + 2 * y + 25 * c) % 256)
            }
        }
    }
    return image
}

func largestDifference(_ a: ImageBuffer, _ b: ImageBuffer) -> Int {
    zip(a.pixels, b.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
}
