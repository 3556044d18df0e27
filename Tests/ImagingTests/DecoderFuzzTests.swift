import Foundation
import Glibc
import Imaging
import Testing

/// Decodes damaged pictures of every format for a few seconds; `TESSERA_FUZZ_SECONDS` sets how many.
///
/// Input number n is a function of n alone, and so is how it is decoded. `TESSERA_FUZZ_START` starts
/// at another number, and a long run prints where it is, so that a crash can be found again. The first
/// inputs are the same each time; how many there are depends on the machine.
@Suite("Fuzzing decoders") struct DecoderFuzzTests {
    static let environment = ProcessInfo.processInfo.environment
    static let seconds = Double(environment["TESSERA_FUZZ_SECONDS"] ?? "") ?? 2
    static let start = Int(environment["TESSERA_FUZZ_START"] ?? "") ?? 0
    static let isLong = environment["TESSERA_FUZZ_SECONDS"] != nil

    /// What a decoder of the run accepts.
    static let mostPixels = 1 << 20
    static let mostMemory = 32 << 20

    @Test("damaged pictures are decoded within the limits, or refused")
    func damaged() throws {
        let corpus = try Self.corpus()
        var window = PictureWindow()
        var (number, accepted, slowest) = (Self.start, 0, 0.0)
        var formats: [ImageFormat: Int] = [:]
        let (begin, memory) = (Date(), Self.peakMemory)
        while Date().timeIntervalSince(begin) < Self.seconds {
            var random = TestRandom(UInt64(number))
            let bytes = FuzzedPicture(of: corpus, &random).bytes
            let before = Date()
            do {
                try decode(bytes, number, &random, &window)
                accepted += 1
                bytes.withUnsafeBytes { formats[ImageFormat.detect($0) ?? .png, default: 0] += 1 }
            } catch let error as ImageError {
                if error.reason.isEmpty || error.name != "fuzzed" {
                    Issue.record("\(number): \(error)")
                }
            } catch { Issue.record("\(number): \(error)") }
            slowest = max(slowest, Date().timeIntervalSince(before))
            number += 1
            if Self.isLong, number % 50_000 == 0 {
                print("fuzz pictures: next \(number), \(accepted) accepted")
            }
        }
        let count = number - Self.start
        print(
            "fuzz pictures: \(count) inputs, \(accepted) accepted, slowest \(slowest) s, "
                + "\((Self.peakMemory - memory) >> 20) MiB more")
        #expect(accepted > 0 && accepted < count)
        #expect(!Self.isLong || formats.count == ImageFormat.allCases.count, "\(formats)")
        // What other tests do at the same time counts, too: only a run of its own is measured.
        #expect(!Self.isLong || Self.peakMemory - memory < 512 << 20)
        #expect(!Self.isLong || slowest < 5, "an input took \(slowest) s")
    }

    private static var peakMemory: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss << 10
    }

    /// Decodes all of a picture, or a part, with any settings.
    private func decode(
        _ bytes: [UInt8], _ number: Int, _ random: inout TestRandom, _ window: inout PictureWindow
    ) throws {
        var decoder = ImageDecoder()
        decoder.limits.maxPixels = Self.mostPixels
        decoder.limits.maxWorkingBytes = Self.mostMemory
        decoder.channels = .allCases.randomElement(using: &random) ?? .stored
        decoder.orientation = .allCases.randomElement(using: &random) ?? .upright
        decoder.scaling = .allCases.randomElement(using: &random) ?? .fast
        decoder.acceptsTruncated = Bool.random(using: &random)
        if Bool.random(using: &random) { decoder.range = -100...30_000 }
        let (top, left) = (
            Int.random(in: -20...60, using: &random), Int.random(in: -9...60, using: &random)
        )
        let side = Int.random(in: 1...50, using: &random)
        let target = Bool.random(using: &random) ? PixelSize(1 + side / 4) : nil
        let isWhole = Bool.random(using: &random)
        try bytes.withUnsafeBytes { bytes in
            let header = try decoder.header(bytes, name: "fuzzed")
            _ = try decoder.decode(
                bytes, name: "fuzzed",
                regions: { _ in
                    let box = CropBox(top: top, left: left, height: side, width: 2 * side)
                    return [isWhole ? nil : PictureRegion(box, resizedTo: target)]
                }, into: &window)
            let pixels = window.pixels
            if window.size != header.size || pixels.channels != header.channels
                || header.size.count > Self.mostPixels
                || pixels.channels > decoder.limits.maxChannels
                || pixels.pixels.count != pixels.width * pixels.height * pixels.channels
                || (window.isWhole && pixels.size != header.size)
            {
                Issue.record("\(number): \(header) became \(pixels.size)")
            }
        }
    }

    /// Pictures of every kind, all small.
    private static func corpus() throws -> [[UInt8]] {
        var files = RecordedPicture.all.map(\.bytes)
        for channels in [1, 3, 4] {
            let image = noise(width: 61, height: 47, channels: channels)
            files.append(try image.encodedJPEG())
            files.append(try image.encodedJPEG(progressive: true, restartInterval: 3))
            files.append(try image.encodedJPEG(sampling: (4, 2)))
            files.append(try image.encodedPNG())
        }
        let shapes = ["(5, 4)", "(4, 5, 1)", "(2, 5, 2)", "(1, 5, 4)"]
        for (type, size) in [("|u1", 1), ("<u2", 2), (">f4", 4), ("<f8", 8), ("|b1", 1)] {
            for shape in shapes {
                let elements = noise(width: 20, height: size, channels: 1).pixels
                files.append(NumpyPictureTests.file(type, shape, elements))
            }
        }
        return files + [
            HostileSizes.png(100, 100), try HostileSizes.jpeg(100, 100),
            HostileSizes.webp(100, 100), HostileSizes.animatedWebP(8, 8),
            HostileSizes.gif(100, 100), HostileSizes.bmp(100, 100),
            HostileSizes.tiff([256: 100]), HostileSizes.numpy(100, 100),
        ]
    }
}
