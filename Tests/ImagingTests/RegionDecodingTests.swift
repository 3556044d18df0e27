import Foundation
import Imaging
import Testing

/// A part of a JPEG is, to the bit, what it is in the whole picture.
@Suite("Decoding parts") struct RegionDecodingTests {
    struct Kind: Sendable, CustomTestStringConvertible {
        var channels = 3
        var sampling = [2, 2]
        var progressive = false
        var restartInterval = 0
        var testDescription: String {
            "\(channels) channels, \(sampling)\(progressive ? ", progressive" : ""), "
                + "restarts \(restartInterval)"
        }
    }

    static let kinds: [Kind] =
        [[1, 1], [2, 1], [2, 2], [1, 2], [4, 1], [4, 2]].flatMap { sampling in
            [
                Kind(sampling: sampling), Kind(sampling: sampling, progressive: true),
                Kind(sampling: sampling, restartInterval: 5),
            ]
        } + [Kind(channels: 1), Kind(channels: 1, progressive: true), Kind(channels: 4)]

    @Test("equal to the whole picture", arguments: kinds)
    func equality(kind: Kind) throws {
        var random = TestRandom(UInt64(kind.sampling[0] * 10 + kind.sampling[1]))
        let decoder = ImageDecoder()
        var window = PictureWindow()
        for size in [(157, 123), (64, 48), (33, 200), (250, 31), (17, 9)] {
            let image = noise(
                width: size.0, height: size.1, channels: kind.channels, seed: random.next())
            let bytes = try image.encodedJPEG(
                quality: 85, progressive: kind.progressive,
                sampling: (kind.sampling[0], kind.sampling[1]),
                restartInterval: kind.restartInterval)
            let whole = try decoder.decode(bytes, name: "whole")
            for _ in 0..<60 {
                let box = randomBox(in: whole.size, &random)
                try bytes.withUnsafeBytes {
                    _ = try decoder.decode($0, name: "part", region: { _ in box }, into: &window)
                }
                #expect(window.size == whole.size)
                #expect(
                    window.pixels.cropped(to: window.located(box)) == whole.cropped(to: box),
                    "\(box) of \(size)")
            }
        }
    }

    @Test("other formats are decoded whole")
    func otherFormats() throws {
        let image = noise(width: 20, height: 10, channels: 3)
        var window = PictureWindow()
        let box = CropBox(top: 2, left: 3, height: 4, width: 5)
        try image.encodedPNG().withUnsafeBytes {
            _ = try ImageDecoder().decode($0, name: "png", region: { _ in box }, into: &window)
        }
        #expect(window.isWhole && window.pixels == image)
    }

    @Test("a file that ends early is found, also behind the part")
    func truncation() throws {
        let bytes = try noise(width: 200, height: 200, channels: 3).encodedJPEG()
        let box = CropBox(top: 0, left: 0, height: 10, width: 10)
        var window = PictureWindow()
        for part in [bytes.count / 2, bytes.count * 9 / 10] {
            let error = #expect(throws: ImageError.self) {
                try bytes[..<part].withUnsafeBytes {
                    _ = try ImageDecoder().decode(
                        $0, name: "cut", region: { _ in box }, into: &window)
                }
            }
            #expect(error?.kind == .truncated)
        }
        // What programs put behind the end is no part of the picture.
        let longer = bytes + [UInt8](repeating: 7, count: 500)
        try longer.withUnsafeBytes {
            _ = try ImageDecoder().decode($0, name: "longer", region: { _ in box }, into: &window)
        }
        #expect(window.exact == box)
    }

    @Test("a region beyond the picture is cut, none is all of it")
    func oddRegions() throws {
        let image = noise(width: 40, height: 30, channels: 3)
        let bytes = try image.encodedJPEG()
        let whole = try ImageDecoder().decode(bytes, name: "whole")
        var window = PictureWindow()
        try bytes.withUnsafeBytes {
            _ = try ImageDecoder().decode(
                $0, name: "a", region: { _ in CropBox(top: -5, left: 30, height: 20, width: 20) },
                into: &window)
        }
        #expect(window.exact == CropBox(top: 0, left: 30, height: 15, width: 10))
        try bytes.withUnsafeBytes {
            _ = try ImageDecoder().decode($0, name: "b", region: { _ in nil }, into: &window)
        }
        #expect(window.isWhole && window.pixels == whole)
    }

    private func randomBox(in size: PixelSize, _ random: inout TestRandom) -> CropBox {
        let height =
            Bool.random(using: &random) ? Int.random(in: 1...size.height, using: &random) : 1
        let width = Bool.random(using: &random) ? Int.random(in: 1...size.width, using: &random) : 1
        return CropBox(
            top: Int.random(in: 0...size.height - height, using: &random),
            left: Int.random(in: 0...size.width - width, using: &random), height: height,
            width: width)
    }
}
