import Foundation
import Imaging
import Testing

@testable import Data

/// Pictures of any number of channels, from `.npy` files to batches.
@Suite("Arrays as data sets") struct ArrayPictureTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A file of bytes, `[height, width, channels]`.
    private func file(_ image: ImageBuffer) -> [UInt8] {
        var header =
            "{'descr': '|u1', 'fortran_order': False, 'shape': "
            + "(\(image.height), \(image.width), \(image.channels)), }"
        while (header.utf8.count + 11) % 64 != 0 { header += " " }
        let text = Array((header + "\n").utf8)
        let size = [UInt8(text.count & 255), UInt8(text.count >> 8)]
        return [0x93] + Array("NUMPY".utf8) + [1, 0] + size + text + image.pixels
    }

    @Test("five channels reach the batch as they are")
    func batches() throws {
        let images = (0..<3).map { noise(width: 6, height: 6, channels: 5, seed: $0) }
        for (index, image) in images.enumerated() {
            try folder.write(file(image), to: "in/\(index).npy")
        }
        var plan = LoaderPlan(
            source: try openSource("\(folder.path)/in", split: .all),
            views: [ImagePipeline([CenterCrop(size: 6)], channels: 5, normalization: .none)],
            sampler: try Sampler(count: 3, globalBatchSize: 3, seed: 0, shuffles: false))
        plan.onBadFile = .stop
        plan.decoder.channels = .stored
        let loader = try Loader(plan, options: LoaderOptions(threads: 1), epochs: 1)
        let batch = try #require(try loader.next())
        let expected = images.flatMap { image in
            (0..<5).flatMap { c in
                (0..<36).map { Float(image[$0 / 6, $0 % 6, c]) / 255 }
            }
        }
        #expect(batch.floats() == expected)
        // A model of three channels says which setting reads them.
        plan.decoder.channels = .rgbOrGrey
        let wrong = try Loader(plan, options: LoaderOptions(threads: 1), epochs: 1)
        let error = #expect(throws: ImageError.self) { _ = try wrong.next() }
        #expect(error?.description.contains("model.channels=5") == true)
    }

    @Test("an array is a sample's picture where no other is")
    func shards() throws {
        let image = noise(width: 4, height: 3, channels: 3, seed: 1)
        var tar = TarFixture()
        tar.add("0.npy", file(image))
        tar.add("1.npy", [1])
        tar.add("1.png", try image.encodedPNG())
        tar.add("2.depth.npy", file(image))
        tar.end()
        try folder.write(tar.bytes, to: "a.tar")
        let source = try TarSource(["\(folder.path)/a.tar"])
        #expect(
            (0..<source.count).map { source.name(at: $0) }
                == ["\(folder.path)/a.tar/0.npy", "\(folder.path)/a.tar/1.png"])
        #expect(source.notes == ["1 samples have no picture"])
        #expect(try source.read(at: 0) == image && source.read(at: 1) == image)
    }

    @Test("packs keep arrays as they are")
    func packs() throws {
        for channels in [3, 7] {
            try folder.write(
                file(noise(width: 9, height: 8, channels: channels, seed: 1)),
                to: "in/\(channels).npy")
        }
        let source = try ImageFolder("\(folder.path)/in", split: .all)
        let writer = try PackWriter(
            source, split: .train, root: "\(folder.path)/in", settings: PackSettings())
        let report = try writer.write(to: "\(folder.path)/out")
        #expect(report.pictures == 2 && report.leftOut.isEmpty)
        let packed = try openSource("\(folder.path)/out")
        var all = ImageDecoder()
        all.channels = .stored
        for index in 0..<2 {
            #expect(packed.name(at: index).hasSuffix(".npy"))
            #expect(
                try packed.read(at: index, decoder: all) == source.read(at: index, decoder: all))
        }
    }
}
