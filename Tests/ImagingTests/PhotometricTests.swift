import Foundation
import Testing

@testable import Imaging

/// The vectorised loops against the plain formulas, on every small size and number of channels.
@Suite("Picture operations") struct PhotometricTests {
    static let sizes = [(1, 1), (2, 5), (7, 3), (13, 12), (40, 9), (3, 70)]

    @Test(arguments: [0, 0.1, 0.45, 1, 1.73, 2, 5.5, 30] as [Float])
    func aBlurIsSixPassesOfABox(sigma: Float) {
        for channels in 1...4 {
            // A wide box reaches beyond small pictures, and takes long by the plain formula.
            for (width, height) in Self.sizes where sigma < 5 || width * height < 50 {
                let image = noise(width: width, height: height, channels: channels)
                var blurred = image
                blurred.blur(sigma: sigma)
                #expect(blurred == plainBlur(image, sigma), "\(width)x\(height)x\(channels)")
            }
        }
    }

    @Test func aBlurOfNothingChangesNothing() {
        var image = noise(width: 9, height: 4, channels: 3)
        let before = image
        image.blur(sigma: 0)
        #expect(image == before)
        var empty = ImageBuffer()
        empty.blur(sigma: 1)
        #expect(empty.byteCount == 0)
    }

    @Test func aConstantPictureStaysSo() {
        for sigma in stride(from: Float(0.1), to: 4, by: 0.37) {
            var image = ImageBuffer(
                width: 19, height: 8, channels: 3, pixels: repeatElement(201, count: 19 * 8 * 3))
            image.blur(sigma: sigma)
            #expect(image.pixels.allSatisfy { (200...201).contains($0) })
        }
    }

    @Test func aWholeTurnOfTheHueIsNone() {
        // 256 steps make the circle; by way of HSV a colour may move by a few levels.
        let image = noise(width: 31, height: 17, channels: 3)
        var there = image
        there.adjustHue(0.25)
        var back = there
        back.adjustHue(-0.25)
        #expect(there != image)
        #expect(largestDifference(back, image) <= 24)
        var grey = image.converted(toChannels: 1)
        let before = grey
        grey.adjustHue(0.3)
        #expect(grey == before)
    }

    @Test func primaryColoursTurnIntoEachOther() {
        var red = ImageBuffer(width: 1, height: 1, channels: 3, pixels: [255, 0, 0])
        red.adjustHue(1.0 / 3)
        #expect(red.pixels == [0, 255, 0] || red.pixels == [5, 255, 0], "\(red.pixels)")
        red.adjustHue(-1.0 / 3)
        #expect(red.pixels[0] == 255 && red.pixels[2] == 0, "\(red.pixels)")
    }

    @Test func everyHueIsThatOfDoubles() {
        // Each order of a brightest, a middle and a darkest channel, with all brightest and middle ones.
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
        for darkest in [0, 3, 100] {
            var pixels: [UInt8] = []
            for brightest in darkest...255 {
                for middle in darkest...brightest {
                    for order in orders {
                        pixels += order.map { UInt8([brightest, middle, darkest][$0]) }
                    }
                }
            }
            var image = ImageBuffer(
                width: pixels.count / 3, height: 1, channels: 3, pixels: pixels)
            image.adjustHue(0.2)
            let shift = 51  // 0.2 of 255
            let expected = stride(from: 0, to: pixels.count, by: 3).flatMap {
                plainHue(pixels[$0..<$0 + 3].map(Int.init), shift)
            }
            #expect(image.pixels == expected, "darkest \(darkest)")
        }
    }

    /// Pillow's way to HSV in bytes and back, in doubles.
    private func plainHue(_ rgb: [Int], _ shift: Int) -> [UInt8] {
        let (r, g, b) = (Double(rgb[0]), Double(rgb[1]), Double(rgb[2]))
        let (high, low) = (max(r, g, b), min(r, g, b))
        guard high > low else { return rgb.map(UInt8.init) }
        func share(_ x: Double) -> Double { Double(Float((high - x)) / Float(high - low)) }
        var turn =
            r == high
            ? share(b) - share(g)
            : g == high ? 2 + share(r) - share(b) : 4 + share(g) - share(r)
        turn = Double(Float(turn))
        turn = Double(Float((turn / 6 + 1).truncatingRemainder(dividingBy: 1)))
        let saturation = Double(Float(Int(Double(Float(high - low) / Float(high)) * 255)) / 255)
        guard saturation > 0 else { return Array(repeating: UInt8(high), count: 3) }
        let sector = Double(Float(Double((Int(turn * 255) + shift) & 255) * 6 / 255))
        let whole = Int(sector)
        let part = Float(sector) - Float(whole)
        let (v, s) = (Float(high), Float(saturation))
        let p = UInt8(v * (1 - s) + 0.5)
        let q = UInt8(v * (1 - s * part) + 0.5)
        let t = UInt8(v * (1 - s * (1 - part)) + 0.5)
        let top = UInt8(high)
        return [
            [top, t, p], [q, top, p], [p, top, t], [p, q, top], [t, p, top], [top, p, q],
        ][whole % 6]
    }

    @Test func factorOneChangesNothingAndZeroLeavesTheReference() {
        let image = noise(width: 14, height: 6, channels: 3)
        let changes: [(inout ImageBuffer) -> Void] = [
            { $0.adjustBrightness(1) }, { $0.adjustContrast(1) }, { $0.adjustSaturation(1) },
        ]
        for change in changes {
            var same = image
            change(&same)
            #expect(same == image)
        }
        var black = image
        black.adjustBrightness(0)
        #expect(black.pixels.allSatisfy { $0 == 0 })
        var grey = image
        grey.adjustContrast(0)
        #expect(Set(grey.pixels).count == 1)
        var luma = image
        luma.adjustSaturation(0)
        #expect(luma == image.converted(toChannels: 1).converted(toChannels: 3))
    }

    @Test func colourOperationsTreatGreyPicturesAsGrey() {
        let grey = noise(width: 12, height: 11, channels: 1)
        let rgb = grey.converted(toChannels: 3)
        let operations: [(inout ImageBuffer) -> Void] = [
            { $0.adjustBrightness(1.3) }, { $0.adjustContrast(0.4) }, { $0.adjustSaturation(1.7) },
            { $0.adjustHue(0.2) }, { $0.removeColor() }, { $0.blur(sigma: 1.2) },
            { $0.autoContrast() }, { $0.equalize() }, { $0.invert() },
            { $0.solarize(threshold: 99) }, { $0.solarizeAdd(40) }, { $0.posterize(bits: 3) },
        ]
        for (index, operation) in operations.enumerated() {
            var (one, three) = (grey, rgb)
            operation(&one)
            operation(&three)
            #expect(one.converted(toChannels: 3) == three, "operation \(index)")
        }
    }

    @Test func lookUpsAtTheirEnds() {
        var image = ImageBuffer(width: 3, height: 1, channels: 1, pixels: [0, 127, 255])
        let before = image
        image.posterize(bits: 8)
        image.solarize(threshold: 256)
        image.solarizeAdd(0)
        #expect(image == before)
        image.solarize(threshold: 0)
        #expect(image.pixels == [255, 128, 0])
        image.posterize(bits: 0)
        #expect(image.pixels == [0, 0, 0])
        image.solarizeAdd(300)
        #expect(image.pixels == [255, 255, 255])
    }

    @Test func histogramsOfFlatPicturesChangeNothing() {
        var flat = ImageBuffer(
            width: 5, height: 5, channels: 3, pixels: repeatElement(77, count: 75))
        let before = flat
        flat.autoContrast()
        flat.equalize()
        #expect(flat == before)
        var two = ImageBuffer(width: 2, height: 1, channels: 1, pixels: [100, 110])
        two.autoContrast()
        #expect(two.pixels == [0, 255])
        var empty = ImageBuffer()
        empty.autoContrast()
        empty.equalize()
        empty.adjustContrast(2)
    }

    @Test func sharpnessLeavesTheBorder() {
        for channels in 1...4 {
            for (width, height) in Self.sizes {
                let image = noise(width: width, height: height, channels: channels)
                var sharp = ImageBuffer()
                image.adjustSharpness(0, into: &sharp)
                for y in 0..<height {
                    for x in 0..<width {
                        for c in 0..<channels {
                            let isBorder = y == 0 || x == 0 || y == height - 1 || x == width - 1
                            let expected =
                                isBorder ? image[y, x, c] : plainSmooth(image, y, x, c)
                            #expect(sharp[y, x, c] == expected)
                        }
                    }
                }
            }
        }
    }

    @Test func theIdentityMapCopies() {
        let image = noise(width: 17, height: 9, channels: 3)
        for interpolation in AffineInterpolation.allCases {
            var result = ImageBuffer()
            image.mapped(by: AffineMap(), interpolation, fill: [1, 2, 3], into: &result)
            #expect(result == image)
            image.mapped(
                by: .rotation(degrees: 360, about: image.size), interpolation, fill: [9],
                into: &result)
            #expect(result == image)
        }
    }

    @Test func wholePixelsMoveAndTheRestIsFilled() {
        let image = noise(width: 8, height: 6, channels: 3)
        var result = ImageBuffer()
        image.mapped(by: .translation(x: 3, y: -2), .bicubic, fill: [7, 8, 9], into: &result)
        for y in 0..<6 {
            for x in 0..<8 {
                let (sourceX, sourceY) = (x + 3, y - 2)
                let isInside = sourceX < 8 && sourceY >= 0
                for c in 0..<3 {
                    let expected = isInside ? image[sourceY, sourceX, c] : UInt8(7 + c)
                    #expect(result[y, x, c] == expected)
                }
            }
        }
        // A map without sense lies outside everywhere.
        image.mapped(by: .translation(x: .nan), .bilinear, fill: [5], into: &result)
        #expect(result.pixels.allSatisfy { $0 == 5 })
    }

    @Test func aHalfTurnIsTwoFlips() {
        let image = noise(width: 10, height: 7, channels: 3)
        var turned = ImageBuffer()
        image.mapped(
            by: .rotation(degrees: 180, about: image.size), .bilinear, fill: [0], into: &turned)
        var flipped = image
        flipped.flipHorizontally()
        flipped.flipVertically()
        // The corner pixels' sources round to just outside or onto an edge.
        #expect(largestDifference(turned.cropped(to: inner), flipped.cropped(to: inner)) <= 1)
    }

    private let inner = CropBox(top: 1, left: 1, height: 5, width: 8)

    @Test func patchesGoWhereTheOrderSays() {
        let image = noise(width: 11, height: 8, channels: 3)
        var result = ImageBuffer()
        image.permutingPatches(side: 3, order: [0, 1, 2, 3, 4, 5], into: &result)
        #expect(result == image)
        image.permutingPatches(side: 3, order: [5, 1, 2, 3, 4, 0], into: &result)
        let corner = CropBox(top: 0, left: 0, height: 3, width: 3)
        let last = CropBox(top: 3, left: 6, height: 3, width: 3)
        #expect(result.cropped(to: corner) == image.cropped(to: last))
        #expect(result.cropped(to: last) == image.cropped(to: corner))
    }

    @Test func thumbnailsKeepTheRatioAndNeverGrow() {
        let image = noise(width: 300, height: 17, channels: 3)
        #expect(image.thumbnail(side: 300) == image)
        let small = image.thumbnail(side: 60)
        #expect((small.width, small.height) == (60, 3))
        let flat = ImageBuffer(
            width: 97, height: 61, channels: 1, pixels: repeatElement(200, count: 97 * 61))
        #expect(flat.thumbnail(side: 10).pixels.allSatisfy { $0 == 200 })
    }

    @Test func filtersSeeWhatLiesAroundABox() {
        let image = noise(width: 30, height: 20, channels: 3)
        let box = CropBox(top: 0, left: 5, height: 20, width: 20)
        var resampler = Resampler()
        var result = ImageBuffer()
        resampler.resize(
            image, within: box, width: 8, height: 8, interpolation: .bilinear, into: &result)
        let cut = image.resized(box, width: 8, height: 8, interpolation: .bilinear)
        #expect(result != cut)
        let middle = CropBox(top: 0, left: 1, height: 8, width: 6)
        #expect(result.cropped(to: middle) == cut.cropped(to: middle))
        resampler.resize(
            image, within: CropBox(of: image.size), width: 8, height: 8, interpolation: .bilinear,
            into: &result)
        #expect(result == image.resized(width: 8, height: 8, interpolation: .bilinear))
    }
}

/// The blur by its definition: each pass reads a whole picture and writes another.
private func plainBlur(_ image: ImageBuffer, _ sigma: Float) -> ImageBuffer {
    let variance = sigma * sigma / 3
    let lower = (((12 * variance + 1).squareRoot() - 1) / 2).rounded(.down)
    let radius =
        lower
        + (2 * lower + 1) * (lower * (lower + 1) - 3 * variance)
        / (6 * (variance - (lower + 1) * (lower + 1)))
    let inner = Int(radius)
    let whole = Int(Float(1 << 24) / (2 * radius + 1))
    let edge = ((1 << 24) - (2 * inner + 1) * whole) / 2
    var current = image
    for (dy, dx) in [(0, 1), (0, 1), (0, 1), (1, 0), (1, 0), (1, 0)] {
        let source = current
        func value(_ y: Int, _ x: Int, _ c: Int) -> Int {
            Int(source[min(max(y, 0), image.height - 1), min(max(x, 0), image.width - 1), c])
        }
        for y in 0..<image.height {
            for x in 0..<image.width {
                for c in 0..<image.channels {
                    var sum = 1 << 23
                    for k in -inner...inner { sum += whole * value(y + k * dy, x + k * dx, c) }
                    for k in [-inner - 1, inner + 1] {
                        sum += edge * value(y + k * dy, x + k * dx, c)
                    }
                    current[y, x, c] = UInt8(sum >> 24)
                }
            }
        }
    }
    return current
}

private func plainSmooth(_ image: ImageBuffer, _ y: Int, _ x: Int, _ c: Int) -> UInt8 {
    var sum = 4 * Int(image[y, x, c])
    for dy in -1...1 {
        for dx in -1...1 { sum += Int(image[y + dy, x + dx, c]) }
    }
    return UInt8((Double(sum) / 13).rounded())
}
