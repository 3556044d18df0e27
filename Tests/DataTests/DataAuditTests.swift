import Foundation
import Imaging
import Testing

@testable import Data

@Suite("Audit of a data set") struct DataAuditTests {
    /// Pictures in memory under given labels.
    private struct Pictures: ImageSource {
        var pictures: [ImageBuffer]
        var labels: [Int] = []
        var classNames: [String] = []
        var count: Int { pictures.count }
        func label(at index: Int) -> Int? { labels.isEmpty ? nil : labels[index] }
        func name(at index: Int) -> String { "picture \(index)" }
        func load(_ index: Int, into picture: inout StoredPicture) throws {
            picture.pixels = pictures[index]
            picture.form = .decoded
        }
    }

    private func audit(
        _ parts: [AuditPart], _ change: (inout AuditOptions) -> Void = { _ in }
    ) throws -> AuditReport {
        var options = AuditOptions()
        options.threads = 2
        change(&options)
        return try DataAudit(path: "here", parts: parts, options: options).run().report
    }

    private func uniform(_ value: UInt8, _ width: Int, _ height: Int, channels: Int = 1)
        -> ImageBuffer
    {
        ImageBuffer(
            width: width, height: height, channels: channels,
            pixels: [UInt8](repeating: value, count: width * height * channels))
    }

    /// Patches of few values, resized: soft shapes that survive shrinking.
    private func shape(_ seed: Int, width: Int = 64, height: Int = 48) -> ImageBuffer {
        resized(noise(width: 6, height: 6, channels: 3, seed: seed), width, height)
    }

    private func resized(_ image: ImageBuffer, _ width: Int, _ height: Int) -> ImageBuffer {
        var resampler = Resampler()
        var result = ImageBuffer()
        resampler.resize(
            image, box: CropBox(of: image.size), width: width, height: height,
            interpolation: .bicubic,
            into: &result)
        return result
    }

    @Test("mean and standard deviation: every picture counts the same, whatever its size")
    func channelStatistics() throws {
        // Values 0 and 255, half each, in a large picture; 100 in a small one.
        var half = uniform(0, 64, 64)
        for row in 0..<32 { for column in 0..<64 { half[row, column] = 255 } }
        let pictures = [half, uniform(100, 40, 40)]
        let grey = try #require(
            try audit([AuditPart("all", Pictures(pictures: pictures))]).channels)
        let (mean, square) = ((127.5 + 100) / 2, (255 * 255 / 2.0 + 10_000) / 2)
        #expect(grey.mean.count == 1 && grey.std.count == 1)
        #expect(abs(grey.mean[0] - mean / 255) < 1e-6)
        #expect(abs(grey.std[0] - (square - mean * mean).squareRoot() / 255) < 1e-6)
    }

    @Test(
        "channel sums equal the naive ones at every length",
        arguments: [(1, 1), (5, 3), (16, 1), (16, 3), (17, 5), (300, 257)])
    func channelSums(width: Int, height: Int) throws {
        for channels in [1, 3] {
            let image = noise(width: width, height: height, channels: channels, seed: width)
            let moments = try #require(ChannelMoments(image))
            var sums = ChannelSums()
            sums.add(moments)
            let statistics = try #require(sums.statistics)
            var largest = 0.0
            for channel in 0..<channels {
                let values = stride(from: channel, to: image.pixels.count, by: channels)
                    .map { Double(image.pixels[$0]) }
                let mean = values.reduce(0, +) / Double(values.count)
                let variance =
                    values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
                #expect(abs(statistics.mean[channel] * 255 - mean) < 1e-5)
                #expect(abs(statistics.std[channel] * 255 - variance.squareRoot()) < 1e-2)
                largest = max(largest, variance.squareRoot())
            }
            #expect(abs(moments.spread - largest) < 1e-6)
        }
    }

    @Test("copies: exact, near, none; across classes and across parts")
    func copies() throws {
        let a = shape(1)
        let b = shape(2)
        var brighter = a
        for row in 0..<a.height {
            for column in 0..<a.width {
                for channel in 0..<3 {
                    brighter[row, column, channel] = UInt8(
                        min(255, Int(a[row, column, channel]) + 6))
                }
            }
        }
        let train = Pictures(
            pictures: [a, b, shape(3), a, resized(b, 50, 40)], labels: [0, 1, 1, 0, 0],
            classNames: ["x", "y"])
        let validation = Pictures(
            pictures: [shape(4), brighter], labels: [1, 0], classNames: ["x", "y"])
        let report = try audit([AuditPart("train", train), AuditPart("validation", validation)])
        #expect(report.finding(.exactCopy)?.count == 1)
        #expect(report.finding(.nearCopy)?.count == 2)
        #expect(report.finding(.acrossClasses)?.count == 1)
        #expect(report.finding(.acrossParts)?.count == 1)
        let groups = report.copies.map { ($0.likeness, $0.members.map(\.item.index)) }
        // The one across parts first, then across classes.
        #expect(groups.map(\.0) == [.near, .near, .exact])
        #expect(groups.map(\.1) == [[0, 3, 1], [1, 4], [0, 3]])
        #expect(report.copies[0].members.map(\.part) == ["train", "train", "validation"])
        #expect(report.copies[1].members.map(\.label) == ["y", "x"])
    }

    @Test("equal checksums of different bytes are no copies")
    func checksumCollision() throws {
        let records = [0, 1].map {
            PictureRecord(
                item: AuditItem(part: 0, index: $0), checksum: 7, byteCount: 12, width: 1,
                height: 1, hash: nil)
        }
        let part = AuditPart("all", Pictures(pictures: [shape(1), shape(2)]))
        #expect(try ExactCopies(parts: [part], records: records, threads: 1).pairs().isEmpty)
        let same = AuditPart("all", Pictures(pictures: [shape(1), shape(1)]))
        #expect(try ExactCopies(parts: [same], records: records, threads: 1).pairs().count == 1)
    }

    /// Hashes at every distance from one another, in every way the bits can fall into the bands.
    @Test("candidates: all pairs of at most 6 bits and no others")
    func candidates() throws {
        var random = CounterRandom(seed: 3, purpose: .method)
        for bits in 0...9 {
            for _ in 0..<40 {
                let hash = random.next() as UInt64
                var other = hash
                for place in random.permutation(64).prefix(bits) { other ^= 1 << UInt64(place) }
                let records = [hash, other].enumerated().map { index, hash in
                    PictureRecord(
                        item: AuditItem(part: 0, index: index), checksum: 0, byteCount: 0,
                        width: 1, height: 1, hash: hash)
                }
                // Both stand for one picture, so that the confirmation lets all candidates pass.
                let part = AuditPart("all", Pictures(pictures: [shape(1), shape(1)]))
                let found = try NearCopies(
                    parts: [part], records: records, options: AuditOptions()
                ).find(among: [0, 1])
                #expect(found.pairs.count == (bits <= NearCopies.mostBits ? 1 : 0), "\(bits) bits")
            }
        }
    }

    @Test("close hashes of pictures that differ are no copies")
    func confirmation() throws {
        let records = [0, 1].map {
            PictureRecord(
                item: AuditItem(part: 0, index: $0), checksum: 0, byteCount: 0, width: 1, height: 1,
                hash: 5)
        }
        let part = AuditPart("all", Pictures(pictures: [shape(1), shape(2)]))
        let found = try NearCopies(parts: [part], records: records, options: AuditOptions())
            .find(among: [0, 1])
        #expect(found.pairs.isEmpty && found.unchecked == 0)
    }

    @Test("a sample takes one picture of each stretch, always the same")
    func sample() throws {
        for (count, limit) in [(10, 3), (1000, 999), (1 << 40, 17), (5, 5), (5, 9)] {
            let sample = AuditSample(count: count, limit: limit)
            #expect(sample.size == min(count, limit))
            let chosen = (0..<sample.size).map { sample[$0] }
            for (number, index) in chosen.enumerated() where sample.size < count {
                let stretch = Double(count) / Double(sample.size)
                #expect(index >= Int(Double(number) * stretch) - 1)
                #expect(index <= Int(Double(number + 1) * stretch) + 1)
            }
            #expect(Set(chosen).count == sample.size && chosen == chosen.sorted())
        }
        let report = try audit([AuditPart("all", MemorySource(count: 50))]) { $0.sample = 7 }
        #expect(report.checked == 7 && report.pictures == 50 && report.readable == 7)
    }

    @Test("bad pictures in memory are counted with their reasons")
    func badPictures() throws {
        let source = MemorySource(count: 30, width: 40, height: 40, bad: [4, 11, 29])
        let result = try DataAudit(path: "x", parts: [AuditPart("all", source)]).run()
        #expect(result.bad.map(\.index) == [4, 11, 29])
        #expect(
            result.report.finding(.corrupt)?.examples.map(\.detail)
                == Array(repeating: "is bad on purpose", count: 3))
        #expect(result.report.finding(.corrupt)?.severity == .bad)
    }

    @Test("examples are the first of the data set, and few")
    func examples() throws {
        let source = MemorySource(count: 200, width: 48, height: 8)
        for threads in [1, 4] {
            let report = try audit([AuditPart("all", source)]) {
                $0.threads = threads
                $0.examples = 5
            }
            let thin = try #require(report.finding(.extremeAspect))
            #expect(thin.count == 200 && report.finding(.tiny) == nil)
            #expect(thin.examples.map(\.name) == (0..<5).map { "picture \($0)" })
        }
    }

    @Test("uneven and empty classes")
    func classes() throws {
        let pictures = (0..<24).map { shape($0 + 20) }
        let source = Pictures(
            pictures: pictures, labels: Array(repeating: 0, count: 22) + [2, 2],
            classNames: ["many", "none", "few"])
        let report = try audit([AuditPart("all", source)])
        #expect(report.classes.map(\.pictures) == [[22], [0], [2]])
        #expect(report.finding(.emptyClass)?.examples.map(\.name) == ["none"])
        #expect(report.finding(.imbalance)?.examples.map(\.name) == ["few"])
    }

    @Test("parts: training and validation, unless training is everything")
    func parts() throws {
        let folder = try TemporaryFolder()
        for name in ["val/a/1.png", "val/a/2.png", "train/a/3.png", "train/b/4.png"] {
            try folder.writePicture(name, seed: name.utf8.count)
        }
        func parts(_ path: String) throws -> [String] {
            try AuditPart.all(of: path).map { "\($0.name) \($0.source.count)" }
        }
        #expect(try parts(folder.path) == ["train 2", "validation 2"])
        #expect(try parts(folder.path + "/train") == ["pictures 2"])
        try FileManager.default.moveItem(
            atPath: folder.path + "/train", toPath: folder.path + "/others")
        #expect(try parts(folder.path) == ["pictures 4"])
        #expect(throws: DataError.self) { try parts(folder.path + "/nowhere") }
    }

    @Test("a distribution counts every value once, edges belong to the bin above")
    func distribution() throws {
        let spread = try #require(Distribution([1, 2, 2, 3, 9, 40], edges: [0, 2, 4, 8, 16]))
        #expect(spread.bins.map(\.count) == [1, 3, 0, 2])
        #expect(spread.least == 1 && spread.greatest == 40 && spread.median == 2)
        #expect(Distribution([], edges: [0, 1]) == nil)
    }

    @Test("the settings can be pasted into a command")
    func settings() throws {
        let report = try audit([AuditPart("all", MemorySource(count: 4))])
        let text = try #require(report.normalizationSettings)
        #expect(
            text.wholeMatch(of: /'data\.mean=\[0\.\d{4}, 0\.\d{4}, 0\.\d{4}\]' 'data\.std=\[.*\]'/)
                != nil)
    }
}
