import Foundation
import Imaging
import Testing

@Suite("Codecs") struct ImageCodecTests {
    let decoder = ImageDecoder()

    @Test(arguments: [1, 3], [(1, 1), (7, 5), (64, 33)])
    func pngKeepsEveryPixel(channels: Int, size: (Int, Int)) throws {
        let image = noise(width: size.0, height: size.1, channels: channels)
        let decoded = try decoder.decode(image.encodedPNG(), name: "a.png")
        #expect(decoded == image)
    }

    @Test func pngDropsAlpha() throws {
        let rgba = noise(width: 9, height: 4, channels: 4)
        let rgb = try decoder.decode(rgba.encodedPNG(), name: "rgba")
        #expect(rgb.channels == 3)
        let greyAlpha = noise(width: 9, height: 4, channels: 2)
        let grey = try decoder.decode(greyAlpha.encodedPNG(), name: "la")
        #expect(grey.channels == 1)
        for y in 0..<4 {
            for x in 0..<9 {
                #expect(grey[y, x] == greyAlpha[y, x, 0])
                for c in 0..<3 { #expect(rgb[y, x, c] == rgba[y, x, c]) }
            }
        }
    }

    @Test(arguments: [1, 3], [false, true])
    func jpegKeepsASmoothPicture(channels: Int, progressive: Bool) throws {
        let image = gradient(width: 40, height: 24, channels: channels)
        let bytes = try image.encodedJPEG(quality: 100, progressive: progressive)
        let decoded = try decoder.decode(bytes, name: "a.jpg")
        #expect(decoded.channels == channels)
        #expect(largestDifference(decoded, image) <= 8)
    }

    @Test func cmykIsReadAsAdobeStoresIt() throws {
        // Stored inverted: 255 means no ink.
        var image = ImageBuffer(width: 16, height: 16, channels: 4)
        for y in 0..<16 {
            for x in 0..<16 {
                for (c, value) in [200, 100, 50, 255].enumerated() {
                    image[y, x, c] = UInt8(value)
                }
            }
        }
        let rgb = try decoder.decode(image.encodedJPEG(quality: 100), name: "cmyk")
        #expect(rgb.channels == 3)
        #expect(abs(Int(rgb[5, 5, 0]) - 200) <= 2)
        #expect(abs(Int(rgb[5, 5, 1]) - 100) <= 2)
        #expect(abs(Int(rgb[5, 5, 2]) - 50) <= 2)
    }

    @Test func palettesAreLookedUp() throws {
        let bytes = PNGWriter.file(
            width: 3, height: 1, bitDepth: 8, colourType: 3,
            palette: [10, 20, 30, 200, 100, 50], rows: [[0, 1, 0]])
        let image = try decoder.decode(bytes, name: "palette")
        #expect(image.pixels == [10, 20, 30, 200, 100, 50, 10, 20, 30])
    }

    @Test func a16BitPictureKeepsItsUpperByte() throws {
        let bytes = PNGWriter.file(
            width: 2, height: 1, bitDepth: 16, colourType: 0, rows: [[0x12, 0xFF, 0xAB, 0x01]])
        let image = try decoder.decode(bytes, name: "16")
        #expect(image.channels == 1)
        #expect(image.pixels == [0x12, 0xAB])
    }

    @Test(arguments: [(1, [0b1010_0000], [255, 0, 255]), (2, [0b0001_1000], [0, 85, 170])])
    func fewBitsFillTheRange(bits: Int, row: [Int], expected: [Int]) throws {
        let bytes = PNGWriter.file(
            width: 3, height: 1, bitDepth: UInt8(bits), colourType: 0,
            rows: [row.map(UInt8.init)])
        let image = try decoder.decode(bytes, name: "bits")
        #expect(image.pixels.map(Int.init) == expected)
    }

    @Test func aHeaderIsReadWithoutThePixels() throws {
        let bytes = try gradient(width: 31, height: 17, channels: 3).encodedJPEG()
        let header = try bytes.withUnsafeBytes { try decoder.header($0, name: "a") }
        #expect(
            (header.width, header.height, header.channels, header.format) == (31, 17, 3, .jpeg))
    }

    @Test func whatIsNoPictureIsNamed() throws {
        for (bytes, kind): ([UInt8], ImageError.Kind) in [
            ([], .truncated), ([1, 2, 3, 4], .unknownFormat),
            (Array("GIF88a".utf8), .unknownFormat), (Array("GIF89a".utf8), .truncated),
            ([0xFF, 0xD8, 0xFF], .truncated),
        ] {
            let error = #expect(throws: ImageError.self) {
                try decoder.decode(bytes, name: "cats/7.jpg")
            }
            #expect(error?.kind == kind)
            #expect(error?.description.hasPrefix("cats/7.jpg: ") == true)
        }
    }

    @Test func aBombIsRefusedBeforeItsPixelsAreAllocated() throws {
        let bomb = PNGWriter.file(
            width: 60_000, height: 60_000, bitDepth: 8, colourType: 2, rows: [])
        let error = #expect(throws: ImageError.self) { try decoder.decode(bomb, name: "bomb") }
        #expect(error?.kind == .tooLarge)
        #expect(
            error?.description
                == "bomb: 60000x60000 pixels, more than the limit of 178956970; raise the limit "
                + "if the file is trusted, or shrink the picture")
        var small = decoder
        small.limits.maxPixels = 100
        let picture = try gradient(width: 11, height: 10, channels: 1).encodedJPEG()
        #expect(throws: ImageError.self) { try small.decode(picture, name: "a") }
    }

    @Test func tooManyScansAreRefused() throws {
        var strict = decoder
        strict.limits.maxScans = 2
        let bytes = try noise(width: 64, height: 64, channels: 3).encodedJPEG(progressive: true)
        let error = #expect(throws: ImageError.self) { try strict.decode(bytes, name: "scans") }
        #expect(error?.kind == .tooLarge)
        #expect(error?.reason == "more than 2 scans")
    }

    @Test func aTruncatedPictureThrowsUnlessAccepted() throws {
        let image = noise(width: 80, height: 60, channels: 3)
        for bytes in [try image.encodedJPEG(), try image.encodedPNG()] {
            let error = #expect(throws: ImageError.self) {
                try decoder.decode(Array(bytes.prefix(bytes.count / 2)), name: "half")
            }
            #expect(error?.kind == .truncated)
        }
        var lenient = decoder
        lenient.acceptsTruncated = true
        let jpeg = try image.encodedJPEG()
        let whole = try decoder.decode(jpeg, name: "whole")
        let half = try lenient.decode(Array(jpeg.prefix(jpeg.count / 2)), name: "half")
        #expect(half.withUnsafeBytes { $0[0] } == whole.withUnsafeBytes { $0[0] })
        #expect(half != whole)
    }

    @Test func oddDataInAWholePictureIsReported() throws {
        var bytes = try gradient(width: 32, height: 32, channels: 1).encodedJPEG()
        bytes.insert(contentsOf: [0, 0, 0], at: 20)  // behind SOI and the JFIF segment
        var image = ImageBuffer()
        let warning = try bytes.withUnsafeBytes {
            try decoder.decode($0, name: "odd", into: &image)
        }
        #expect(warning?.contains("extraneous") == true)
    }

    @Test func everyPrefixEndsInAnErrorOrAPicture() throws {
        let image = noise(width: 19, height: 13, channels: 3)
        for bytes in [
            try image.encodedJPEG(), try image.encodedJPEG(progressive: true),
            try image.encodedPNG(),
        ] {
            var failures = 0
            for count in 0..<bytes.count {
                do { _ = try decoder.decode(Array(bytes.prefix(count)), name: "cut") } catch {
                    #expect(error is ImageError)
                    failures += 1
                }
            }
            // Only what follows the last pixel may be missing.
            #expect(failures >= bytes.count - 20)
        }
    }

    @Test func damagedBytesNeverCrash() throws {
        var random = TestRandom(7)
        var limited = decoder
        limited.limits.maxPixels = 1 << 20
        let image = noise(width: 24, height: 20, channels: 3)
        var outcomes = (pictures: 0, errors: 0)
        for bytes in [
            try image.encodedJPEG(), try image.encodedJPEG(progressive: true),
            try image.encodedPNG(), try image.converted(toChannels: 1).encodedPNG(),
        ] {
            for _ in 0..<1500 {
                var damaged = bytes
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    let place = Int.random(in: 0..<damaged.count, using: &random)
                    damaged[place] = UInt8.random(in: 0...255, using: &random)
                }
                do {
                    let decoded = try limited.decode(damaged, name: "damaged")
                    #expect(decoded.pixels.count == decoded.byteCount)
                    outcomes.pictures += 1
                } catch {
                    #expect(error is ImageError)
                    outcomes.errors += 1
                }
            }
        }
        #expect(outcomes.pictures > 100 && outcomes.errors > 100)
    }

    @Test func filesThatCannotBeReadSayWhy() throws {
        let missing = #expect(throws: ImageError.self) {
            try decoder.decode(path: "/no/such/picture.jpg")
        }
        #expect(missing?.kind == .unreadable)
        #expect(missing?.description.contains("No such file") == true)
        let folder = #expect(throws: ImageError.self) { try decoder.decode(path: "/") }
        #expect(folder?.reason == "is not a regular file")
    }

    @Test func aFileIsDecoded() throws {
        let image = noise(width: 5, height: 6, channels: 3)
        let path = NSTemporaryDirectory() + "imaging-\(UUID().uuidString).png"
        try Data(image.encodedPNG()).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try decoder.decode(path: path) == image)
    }
}

/// PNG files of layouts that our encoder does not write; the pixels are stored uncompressed.
enum PNGWriter {
    static func file(
        width: Int, height: Int, bitDepth: UInt8, colourType: UInt8, palette: [UInt8] = [],
        rows: [[UInt8]]
    ) -> [UInt8] {
        var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        bytes += chunk(
            "IHDR", bigEndian(width) + bigEndian(height) + [bitDepth, colourType, 0, 0, 0])
        if !palette.isEmpty { bytes += chunk("PLTE", palette) }
        let raw: [UInt8] = rows.flatMap { [0 as UInt8] + $0 }
        let count = UInt16(raw.count)
        var zlib: [UInt8] = [0x78, 0x01, 1]
        zlib += [UInt8(count & 255), UInt8(count >> 8), UInt8(~count & 255), UInt8(~count >> 8)]
        var (a, b) = (1, 0)
        for byte in raw {
            a = (a + Int(byte)) % 65521
            b = (b + a) % 65521
        }
        bytes += chunk("IDAT", zlib + raw + bigEndian(b << 16 | a))
        return bytes + chunk("IEND", [])
    }

    private static func bigEndian(_ value: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }

    private static func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + content
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in body {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
        }
        return bigEndian(content.count) + body + bigEndian(Int(~crc))
    }
}
