import Imaging
import Testing

/// Limits are applied to what headers claim, before memory is taken.
@Suite("Limits") struct ImageLimitsTests {
    /// What the header alone is refused for; reading it takes no memory for pixels.
    private func early(_ file: [UInt8], _ decoder: ImageDecoder) -> ImageError? {
        do { _ = try file.withUnsafeBytes { try decoder.header($0, name: "bomb") } } catch {
            return error as? ImageError
        }
        return nil
    }

    private func refusal(_ file: [UInt8], _ decoder: ImageDecoder) -> ImageError? {
        do { _ = try decoder.decode(file, name: "bomb") } catch { return error as? ImageError }
        return nil
    }

    @Test("60,000 x 60,000 pixels in a few bytes are refused in every format")
    func bombs() throws {
        let (width, height) = (60_000, 60_000)
        let files: [(ImageFormat, [UInt8])] = [
            (.png, HostileSizes.png(width, height)),
            (.jpeg, try HostileSizes.jpeg(width, height)),
            (.jpeg, try HostileSizes.jpeg(width, height, progressive: true)),
            (.webp, HostileSizes.webp(16_383, 16_383)),
            (.webp, HostileSizes.animatedWebP(width, height)),
            (.gif, HostileSizes.gif(width, height)), (.bmp, HostileSizes.bmp(width, height)),
            (.bmp, HostileSizes.bmp(width, -height)),
            (.bmp, HostileSizes.bmp(width, height, bits: 8)),
            (.tiff, HostileSizes.tiff([256: width, 257: height])),
            (.tiff, HostileSizes.tiff([256: width, 257: height, 258: 1])),
            (.numpy, HostileSizes.numpy(height, width)),
        ]
        #expect(Set(files.map(\.0)) == Set(ImageFormat.allCases))
        for channels in ImageDecoder.Channels.allCases {
            for lenient in [false, true] {
                var decoder = ImageDecoder()
                decoder.channels = channels
                decoder.acceptsTruncated = lenient
                for (format, file) in files {
                    #expect(file.count < 4000)
                    #expect(file.withUnsafeBytes { ImageFormat.detect($0) } == format)
                    #expect(early(file, decoder)?.kind == .tooLarge, "\(format)")
                }
            }
        }
    }

    @Test("the limits of pixels and of the file are those that are set")
    func pixels() throws {
        let image = gradient(width: 11, height: 10, channels: 3)
        var files = [try image.encodedJPEG(), try image.encodedPNG(), HostileSizes.numpy(10, 11)]
        for (start, one) in [("webp", 1), ("tiff", 1), ("gif", 1), ("bmp", 1)] {
            files += RecordedPicture.all.filter { $0.name.hasPrefix(start) }.prefix(one).map(
                \.bytes)
        }
        #expect(files.count == 7)
        for file in files {
            var decoder = ImageDecoder()
            let size = try file.withUnsafeBytes { try decoder.header($0, name: "a") }.size
            decoder.limits.maxPixels = size.count - 1
            #expect(
                early(file, decoder)?.reason
                    == "\(size.width)x\(size.height) pixels, more than the limit of "
                    + "\(size.count - 1)")
            decoder.limits.maxPixels = size.count
            decoder.limits.maxFileBytes = file.count
            _ = try file.withUnsafeBytes { try decoder.header($0, name: "a") }
            decoder.limits.maxFileBytes = file.count - 1
            #expect(
                early(file, decoder)?.reason
                    == "\(file.count) bytes, more than the limit of \(file.count - 1)")
        }
    }

    @Test("channels are bounded")
    func channels() throws {
        var decoder = ImageDecoder()
        decoder.channels = .stored
        #expect(early(HostileSizes.tiff([277: 1025]), decoder)?.kind == .tooLarge)
        #expect(early(HostileSizes.numpy(2, 2, 1025), decoder)?.kind == .tooLarge)
        decoder.limits.maxChannels = 3
        let alpha = noise(width: 4, height: 4, channels: 4)
        #expect(
            try early(alpha.encodedPNG(), decoder)?.reason
                == "4 channels, more than the limit of 3")
        decoder.channels = .rgbOrGrey
        #expect(try decoder.decode(alpha.encodedPNG(), name: "a").channels == 3)
    }

    @Test("TIFFs of impossible strips, tiles, samples and depths are refused")
    func tiff() throws {
        let huge = 0x7FFF_FFFF
        let cases: [([Int: Int], Set<ImageError.Kind>)] = [
            ([277: 65_535], [.tooLarge, .truncated]),  // 4 million samples: within the memory
            ([277: 65_535, 258: 16, 256: 1000, 257: 1000], [.tooLarge]),
            ([322: 60_000, 323: 60_000, 324: 8, 325: 64], [.tooLarge]),
            ([322: huge, 323: huge, 324: 8, 325: 64], [.tooLarge, .corrupt]),
            ([322: 0, 323: 0, 324: 8, 325: 64], [.corrupt]),
            ([278: 0], [.corrupt]),
            ([273: huge], [.truncated, .corrupt]), ([256: 0], [.corrupt]),
            ([256: huge, 257: 1], [.tooLarge]), ([256: 1, 257: huge], [.tooLarge, .corrupt]),
            ([256: 0xFFFF_FFFF, 257: 1], [.corrupt, .tooLarge]),
            ([258: 65_535], [.unsupported, .tooLarge]), ([258: 0], [.unsupported, .corrupt]),
            ([277: 0], [.corrupt]), ([259: 34_661], [.unsupported]),  // JBIG
            ([259: 6], [.unsupported]), ([259: 65_000], [.unsupported]),
            ([262: 9999], [.unsupported]), ([339: 77], [.unsupported, .corrupt]),
        ]
        for (tags, kinds) in cases {
            for channels in ImageDecoder.Channels.allCases {
                var decoder = ImageDecoder()
                decoder.channels = channels
                let error = refusal(HostileSizes.tiff(tags), decoder)
                #expect(
                    error.map { kinds.contains($0.kind) } == true, "\(tags): \(error?.reason ?? "")"
                )
            }
        }
        // Rows a strip that are "all", and bytes that no one asks for, are no harm.
        for tags in [[278: 0xFFFF_FFFF], [279: huge]] {
            let image = try ImageDecoder().decode(HostileSizes.tiff(tags), name: "a")
            #expect(image.pixels == [UInt8](repeating: 9, count: 64))
        }
    }

    @Test("what codecs take beside the pixels is bounded")
    func working() throws {
        var decoder = ImageDecoder()
        decoder.limits.maxWorkingBytes = 200_000
        decoder.channels = .stored
        let side = 300
        let image = noise(width: side, height: side, channels: 3)
        // A progressive JPEG is kept whole as coefficients, a baseline one is not.
        #expect(throws: Never.self) { try decoder.decode(image.encodedJPEG(), name: "a") }
        #expect(try refusal(image.encodedJPEG(progressive: true), decoder)?.kind == .tooLarge)
        for file in [
            HostileSizes.webp(side, side), HostileSizes.animatedWebP(side, side),
            HostileSizes.tiff([256: side, 257: side, 277: 3, 262: 2]),
            HostileSizes.numpy(side, side),
        ] {
            #expect(refusal(file, decoder)?.kind == .tooLarge)
        }
        decoder.range = 0...1000
        let deep = RecordedPicture.all.first { $0.name.hasPrefix("png interlaced, 16") }
        decoder.limits.maxWorkingBytes = 60
        #expect(refusal(deep?.bytes ?? [], decoder)?.kind == .tooLarge)
    }

    @Test("scans are bounded, however little each holds")
    func scans() throws {
        var file = try noise(width: 64, height: 64, channels: 1).encodedJPEG(progressive: true)
        // The last scan again and again.
        let last = try #require(
            (0..<file.count - 1).last { file[$0] == 0xFF && file[$0 + 1] == 0xDA })
        let scan = file[last..<file.count - 2]
        file.removeLast(2)
        for _ in 0..<200 { file += scan }
        file += [0xFF, 0xD9]
        #expect(refusal(file, ImageDecoder())?.reason == "more than 100 scans")
        var decoder = ImageDecoder()
        decoder.limits.maxScans = 300
        _ = try decoder.decode(file, name: "a")
    }
}
