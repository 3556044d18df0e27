import Foundation
import Imaging
import Testing

@Suite("Resampling") struct ResamplerTests {
    @Test(arguments: Interpolation.allCases, PassOrder.allCases)
    func everySmallSizeEqualsThePlainFormula(filter: Interpolation, order: PassOrder) {
        var resampler = Resampler()
        var result = ImageBuffer()
        for channels in [1, 2, 3, 4] {
            for (width, height) in [(1, 1), (2, 5), (7, 3), (13, 12), (40, 9)] {
                let image = noise(width: width, height: height, channels: channels)
                for (w, h) in [(1, 1), (3, 4), (7, 7), (29, 3), (12, 25)] {
                    resampler.resize(
                        image, box: CropBox(of: image.size), width: w, height: h,
                        interpolation: filter,
                        order: order, into: &result)
                    let expected = plainResize(image, w, h, filter, order)
                    #expect(result == expected, "\(width)x\(height)x\(channels) to \(w)x\(h)")
                }
            }
        }
    }

    @Test(arguments: Resampler.Instructions.allCases)
    func allInstructionsGiveThePlainFormula(instructions: Resampler.Instructions) {
        var resampler = Resampler(by: instructions)
        var result = ImageBuffer()
        // Rows that are no multiple of four or sixteen, filters of 4 to over 100 taps.
        for (width, height) in [(64, 7), (190, 5), (601, 3), (37, 83)] {
            let image = noise(width: width, height: height, channels: 3)
            for (w, h) in [(1, 2), (13, 9), (97, 4), (250, 6), (9, 51)] {
                for filter in Interpolation.allCases {
                    resampler.resize(
                        image, box: CropBox(of: image.size), width: w, height: h,
                        interpolation: filter, into: &result)
                    let expected = plainResize(image, w, h, filter, .horizontalFirst)
                    #expect(result == expected, "\(width)x\(height) to \(w)x\(h), \(filter)")
                }
            }
        }
    }

    /// Whatever is made in parts, the result is the same, and no more lies between the passes.
    @Test(arguments: Interpolation.allCases, PassOrder.allCases)
    func partsMakeTheSame(filter: Interpolation, order: PassOrder) {
        var plain = Resampler()
        var (expected, result) = (ImageBuffer(), ImageBuffer())
        for channels in [1, 3, 4] {
            for (width, height) in [(3, 90), (90, 3), (31, 40), (1, 64)] {
                let image = noise(width: width, height: height, channels: channels)
                for (w, h) in [(40, 7), (5, 5), (40, height), (width, 7), (7, 80)] {
                    plain.resize(
                        image, box: CropBox(of: image.size), width: w, height: h,
                        interpolation: filter, order: order, into: &expected)
                    for (between, weights) in [(1, 1), (300, 100), (1 << 20, 1), (1, 1 << 20)] {
                        var parts = Resampler(mostBetween: between, mostWeights: weights)
                        parts.resize(
                            image, box: CropBox(of: image.size), width: w, height: h,
                            interpolation: filter, order: order, into: &result)
                        #expect(
                            result == expected,
                            "\(width)x\(height)x\(channels) to \(w)x\(h) by \(between)")
                        #expect(parts.bytesBetween <= max(between, image.byteCount))
                    }
                }
            }
        }
    }

    @Test func aBoxIsCutOutFirst() {
        let image = noise(width: 31, height: 22, channels: 3)
        let box = CropBox(top: 4, left: 9, height: 15, width: 20)
        for filter in Interpolation.allCases {
            let direct = image.resized(box, width: 11, height: 24, interpolation: filter)
            let cut = image.cropped(to: box)
            #expect(direct == cut.resized(width: 11, height: 24, interpolation: filter))
        }
        #expect(
            image.resized(box, width: 20, height: 15, interpolation: .bicubic)
                == image.cropped(to: box))
    }

    @Test func aResamplerRemembersNothingOfTheLastPicture() {
        var resampler = Resampler()
        var result = ImageBuffer()
        let (a, b) = (
            noise(width: 50, height: 40, channels: 3), noise(width: 9, height: 11, channels: 1)
        )
        for (image, w, h) in [(a, 12, 13), (b, 5, 30), (a, 50, 20), (b, 9, 11), (a, 12, 13)] {
            resampler.resize(
                image, box: CropBox(of: image.size), width: w, height: h, interpolation: .lanczos,
                into: &result)
            #expect(result == image.resized(width: w, height: h, interpolation: .lanczos))
        }
    }

    @Test(arguments: Interpolation.allCases, [0, 1, 128, 255] as [UInt8])
    func aFlatPictureStaysFlat(filter: Interpolation, level: UInt8) {
        let flat = ImageBuffer(
            width: 17, height: 23, channels: 3, pixels: repeatElement(level, count: 17 * 23 * 3))
        for (w, h) in [(5, 5), (40, 11), (17, 60)] {
            let resized = flat.resized(width: w, height: h, interpolation: filter)
            #expect(resized.pixels.allSatisfy { $0 == level })
        }
    }

    @Test func theOrderOfPassesFollowsTheRule() {
        // The height shrinks by 30, the width by 10: vertical first for `pillow13`.
        let image = noise(width: 30, height: 60, channels: 1)
        let horizontal = image.resized(width: 20, height: 30, interpolation: .bicubic)
        let vertical = image.resized(
            width: 20, height: 30, interpolation: .bicubic, order: .pillow13)
        #expect(horizontal != vertical)
        // By 20 and 10: horizontal first for both.
        #expect(
            image.resized(width: 20, height: 40, interpolation: .bicubic, order: .pillow13)
                == image.resized(width: 20, height: 40, interpolation: .bicubic))
    }
}

/// The formula without any shortcut: weights per output, one multiplication a tap.
private func plainResize(
    _ image: ImageBuffer, _ width: Int, _ height: Int, _ filter: Interpolation, _ order: PassOrder
) -> ImageBuffer {
    let lostRows = image.height - height
    let lostColumns = image.width - width
    let verticalFirst = order == .pillow13 && lostRows > 0 && lostRows > 2 * lostColumns
    if verticalFirst {
        return plainPass(
            plainPass(image, height, filter, vertical: true), width, filter, vertical: false)
    }
    return plainPass(
        plainPass(image, width, filter, vertical: false), height, filter, vertical: true)
}

private func plainPass(_ image: ImageBuffer, _ size: Int, _ filter: Interpolation, vertical: Bool)
    -> ImageBuffer
{
    let input = vertical ? image.height : image.width
    if input == size { return image }
    var result = ImageBuffer(
        width: vertical ? image.width : size, height: vertical ? size : image.height,
        channels: image.channels)
    let radius: [Interpolation: Double] = [.box: 0.5, .bilinear: 1, .bicubic: 2, .lanczos: 3]
    let scale = Double(input) / Double(size)
    let f = max(scale, 1)
    for i in 0..<size {
        let c = (Double(i) + 0.5) * scale
        let s = (radius[filter] ?? 0) * f
        let taps = max(0, Int(c - s + 0.5))..<min(input, Int(c + s + 0.5))
        let weights = taps.map { plainWeight((Double($0) - c + 0.5) / f, filter) }
        let sum = weights.reduce(0, +)
        let fixed = weights.map { Int(($0 / sum * 4_194_304).rounded(.toNearestOrAwayFromZero)) }
        for j in 0..<(vertical ? image.width : image.height) {
            for channel in 0..<image.channels {
                var total = 1 << 21
                for (tap, weight) in zip(taps, fixed) {
                    let value = vertical ? image[tap, j, channel] : image[j, tap, channel]
                    total += Int(value) * weight
                }
                let value = UInt8(min(max(total >> 22, 0), 255))
                if vertical { result[i, j, channel] = value } else { result[j, i, channel] = value }
            }
        }
    }
    return result
}

private func plainWeight(_ x: Double, _ filter: Interpolation) -> Double {
    func sinc(_ v: Double) -> Double { v == 0 ? 1 : sin(.pi * v) / (.pi * v) }
    let d = abs(x)
    switch filter {
    case .box: return x > -0.5 && x <= 0.5 ? 1 : 0
    case .bilinear: return max(0, 1 - d)
    case .bicubic:
        if d < 1 { return 1.5 * d * d * d - 2.5 * d * d + 1 }
        return d < 2 ? -0.5 * d * d * d + 2.5 * d * d - 4 * d + 2 : 0
    case .lanczos: return d < 3 ? sinc(x) * sinc(x / 3) : 0
    }
}
