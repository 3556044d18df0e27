import Imaging
import Testing

/// A JPEG decoded smaller than it is, where what is read of it needs no more.
@Suite("Fast decoding") struct FastDecodingTests {
    let decoder: ImageDecoder

    init() {
        var decoder = ImageDecoder()
        decoder.scaling = .fast
        self.decoder = decoder
    }

    /// Large soft shapes, smaller ones on them, and a little noise, as photographs have.
    static func scene(width: Int, height: Int, channels: Int = 3) -> ImageBuffer {
        var layers: [[UInt8]] = []
        for (side, seed) in [(4, 1), (16, 2), (64, 3)] as [(Int, UInt64)] {
            layers.append(
                noise(width: side, height: side, channels: channels, seed: seed)
                    .resized(width: width, height: height, interpolation: .bicubic).pixels)
        }
        let fine = noise(width: width, height: height, channels: channels, seed: 4).pixels
        let pixels = (0..<width * height * channels).map { i in
            let sum = layers.indices.reduce(0) { $0 + Int(layers[$1][i]) >> ($1 + 1) }
            return UInt8(min(sum + Int(fine[i]) >> 5, 255))
        }
        return ImageBuffer(width: width, height: height, channels: channels, pixels: pixels)
    }

    private func window(
        _ bytes: [UInt8], _ decoder: ImageDecoder, _ regions: [PictureRegion?]
    ) throws -> PictureWindow {
        var window = PictureWindow()
        try bytes.withUnsafeBytes {
            _ = try decoder.decode($0, name: "a", regions: { _ in regions }, into: &window)
        }
        return window
    }

    @Test("the least size that suffices, a half at most")
    func choice() throws {
        let bytes = try gradient(width: 160, height: 120, channels: 3).encodedJPEG()
        let whole = CropBox(top: 0, left: 0, height: 120, width: 160)
        let part = CropBox(top: 10, left: 20, height: 80, width: 64)
        let cases: [([(CropBox, PixelSize?)], Int)] = [
            ([(whole, PixelSize(height: 15, width: 20))], 1),
            ([(whole, PixelSize(height: 16, width: 20))], 2),
            ([(whole, PixelSize(height: 15, width: 21))], 2),
            ([(whole, PixelSize(height: 45, width: 60))], 3),
            ([(whole, PixelSize(height: 60, width: 80))], 4),
            ([(whole, PixelSize(height: 61, width: 10))], 8),
            ([(whole, PixelSize(200))], 8), ([(whole, nil)], 8), ([], 8),
            ([(part, 8)], 1), ([(part, 9)], 2), ([(part, 24)], 3), ([(part, 32)], 4),
            ([(part, 33)], 8),
            // The most that any of several needs.
            ([(whole, 10), (part, 20)], 3), ([(whole, 10), (part, nil)], 8),
        ]
        for (regions, eighths) in cases {
            let regions = regions.map { PictureRegion($0.0, resizedTo: $0.1) }
            #expect(try window(bytes, decoder, regions).eighths == eighths, "\(regions)")
            #expect(try window(bytes, ImageDecoder(), regions).eighths == 8)
        }
        #expect(try window(bytes, decoder, [PictureRegion(whole, resizedTo: 10), nil]).isWhole)
    }

    @Test("the window has the pixels that were asked for")
    func sizes() throws {
        let bytes = try gradient(width: 157, height: 123, channels: 3).encodedJPEG()
        for eighths in 1...4 {
            let target = PixelSize(height: 123 * eighths / 8, width: 157 * eighths / 8)
            let whole = CropBox(top: 0, left: 0, height: 123, width: 157)
            let all = try window(bytes, decoder, [PictureRegion(whole, resizedTo: target)])
            #expect(all.eighths == eighths && all.size == PixelSize(height: 123, width: 157))
            #expect(all.pixels.width == (157 * eighths + 7) / 8)
            #expect(all.pixels.height == (123 * eighths + 7) / 8)
            #expect(!all.isWhole)
        }
    }

    @Test(
        "parts of the smaller picture are those of all of it", arguments: RegionDecodingTests.kinds)
    func parts(kind: RegionDecodingTests.Kind) throws {
        var random = TestRandom(3)
        let size = PixelSize(height: 203, width: 331)
        let image = noise(width: size.width, height: size.height, channels: kind.channels)
        let bytes = try image.encodedJPEG(
            quality: 85, progressive: kind.progressive,
            sampling: (kind.sampling[0], kind.sampling[1]), restartInterval: kind.restartInterval)
        for eighths in 1...4 {
            let whole = try window(
                bytes, decoder,
                [
                    PictureRegion(
                        CropBox(of: size),
                        resizedTo: PixelSize(
                            height: 203 * eighths / 8, width: 331 * eighths / 8))
                ])
            #expect(whole.eighths == eighths)
            for _ in 0..<20 {
                let height = Int.random(in: 16...size.height, using: &random)
                let width = Int.random(in: 16...size.width, using: &random)
                let box = CropBox(
                    top: Int.random(in: 0...size.height - height, using: &random),
                    left: Int.random(in: 0...size.width - width, using: &random), height: height,
                    width: width)
                let target = PixelSize(height: height * eighths / 8, width: width * eighths / 8)
                let part = try window(bytes, decoder, [PictureRegion(box, resizedTo: target)])
                #expect(part.eighths == eighths)
                let there = CropBox(
                    top: part.exact.top - part.box.top, left: part.exact.left - part.box.left,
                    height: part.exact.height, width: part.exact.width)
                #expect(
                    part.pixels.cropped(to: there) == whole.pixels.cropped(to: part.exact),
                    "\(box) at \(eighths)/8")
                var resampler = Resampler()
                var (a, b) = (ImageBuffer(), ImageBuffer())
                resampler.resize(part, box: box, to: 12, interpolation: .bicubic, into: &a)
                resampler.resize(whole, box: box, to: 12, interpolation: .bicubic, into: &b)
                #expect(a == b)
            }
        }
    }

    /// The result must be nearer to the exact one than that is to the view a quarter of a pixel
    /// beside it: models are trained on crops whose edges are drawn, and never meet less than that.
    @Test("results are close to the exact ones", arguments: [1, 3])
    func closeness(channels: Int) throws {
        let image = Self.scene(width: 640, height: 480, channels: channels)
        let bytes = try image.encodedJPEG(quality: 90)
        var resampler = Resampler()
        var (near, beside) = (ImageBuffer(), ImageBuffer())
        for (box, side) in [
            (CropBox(top: 0, left: 0, height: 480, width: 630), 56),
            (CropBox(top: 0, left: 0, height: 480, width: 630), 100),
            (CropBox(top: 33, left: 77, height: 301, width: 411), 96),
            (CropBox(top: 101, left: 13, height: 240, width: 256), 120),
        ] {
            let region = [PictureRegion(box, resizedTo: PixelSize(side))]
            let fast = try window(bytes, decoder, region)
            #expect(fast.eighths < 8)
            resampler.resize(
                fast, box: box, to: PixelSize(side), interpolation: .bicubic, into: &near)
            let whole = try decoder.decode(bytes, name: "a")
            let exact = whole.resized(box, width: side, height: side, interpolation: .bicubic)
            #expect(near.size == exact.size && near.channels == channels)
            var moved = box
            moved.left += max(box.width / side / 4, 1)
            resampler.resize(
                PictureWindow(whole), box: moved, to: PixelSize(side), interpolation: .bicubic,
                into: &beside)
            let (error, shift) = (difference(near, exact), difference(beside, exact))
            #expect(error.mean < shift.mean, "\(box) to \(side): \(error), \(shift)")
            #expect(error.mean < 1.5, "\(box) to \(side): \(error)")
            // Neither brighter nor darker.
            #expect(abs(error.bias) < 0.25, "\(box) to \(side): \(error)")
        }
    }

    private func difference(_ a: ImageBuffer, _ b: ImageBuffer) -> (mean: Double, bias: Double) {
        let differences = zip(a.pixels, b.pixels).map { Int($0) - Int($1) }
        let count = Double(differences.count)
        return (
            Double(differences.reduce(0) { $0 + abs($1) }) / count,
            Double(differences.reduce(0, +)) / count
        )
    }

    @Test("other formats, turned and damaged pictures are decoded in their own size")
    func others() throws {
        let image = gradient(width: 160, height: 120, channels: 3)
        let whole = CropBox(of: image.size)
        let region = [PictureRegion(whole, resizedTo: 10)]
        #expect(try window(image.encodedPNG(), decoder, region).pixels == image)
        let jpeg = try image.encodedJPEG()
        let cut = Array(jpeg.dropLast(2))
        #expect(throws: ImageError.self) { try window(cut, decoder, region) }
        var lenient = decoder
        lenient.acceptsTruncated = true
        #expect(try window(cut, lenient, region).eighths == 8)
        let orientation =
            Array("Exif\0\0II*\0".utf8) + [8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]
            + [0, 0, 0, 0]
        let turned =
            jpeg.prefix(2) + [0xFF, 0xE1, 0, UInt8(orientation.count + 2)] + orientation
            + jpeg.dropFirst(2)
        var upright = decoder
        upright.orientation = .upright
        let result = try window(Array(turned), upright, region)
        #expect(result.eighths == 8 && result.size == PixelSize(height: 160, width: 120))
        #expect(try window(Array(turned), decoder, region).eighths == 1)
    }
}
