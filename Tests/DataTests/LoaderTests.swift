import Foundation
import Imaging
import Synchronization
import Testing

@testable import Data

@Suite("Loader", .timeLimit(.minutes(2))) struct LoaderTests {
    let crop = ImagePipeline([
        RandomResizedCrop(size: 8), HorizontalFlip(),
    ])

    func plan(
        count: Int = 37, batch: Int = 6, bad: Set<Int> = [], dropsLast: Bool = true
    ) throws -> LoaderPlan {
        let source = MemorySource(count: count, bad: bad)
        return LoaderPlan(
            source: source, views: [crop],
            sampler: try Sampler(
                count: count, globalBatchSize: batch, seed: 11, dropsLast: dropsLast))
    }

    func all(
        _ plan: LoaderPlan, threads: Int = 2, prefetch: Int = 2,
        start: LoaderPosition = LoaderPosition(), epochs: Int = 2
    ) throws -> [HostBatch] {
        let loader = try Loader(
            plan, options: LoaderOptions(threads: threads, prefetch: prefetch), start: start,
            epochs: epochs)
        var batches: [HostBatch] = []
        while let batch = try loader.next() { batches.append(batch) }
        #expect(try loader.next() == nil)
        return batches
    }

    func expectEqual(_ a: [HostBatch], _ b: [HostBatch], _ comment: Comment) {
        #expect(a.map(\.position) == b.map(\.position), comment)
        for (x, y) in zip(a, b) {
            #expect(x.indices == y.indices && x.labels == y.labels && x.keys == y.keys, comment)
            #expect(x.badFiles == y.badFiles, comment)
            #expect(x.floats() == y.floats(), comment)
        }
    }

    @Test func threadsAndPrefetchChangeNothing() throws {
        let plan = try plan(bad: [3, 4, 20])
        let reference = try all(plan, threads: 1, prefetch: 1)
        #expect(reference.count == 12)
        for threads in [1, 2, 3, 8] {
            for prefetch in [1, 2, 7] {
                expectEqual(
                    try all(plan, threads: threads, prefetch: prefetch), reference,
                    "\(threads) threads, prefetch \(prefetch)")
            }
        }
    }

    @Test func aResumedLoaderGoesOnWhereItWas() throws {
        let plan = try plan()
        let reference = try all(plan)
        for skip in 0..<reference.count {
            let resumed = try all(plan, start: reference[skip].position)
            expectEqual(resumed, Array(reference[skip...]), "from batch \(skip)")
        }
    }

    @Test(arguments: [2, 3]) func processesTogetherMakeTheGlobalBatch(worldSize: Int) throws {
        var plan = try plan()
        let whole = try all(plan)
        var parts: [[HostBatch]] = []
        for rank in 0..<worldSize {
            plan.sampler = try Sampler(
                count: 37, globalBatchSize: 6, seed: 11, worldSize: worldSize, rank: rank)
            parts.append(try all(plan))
        }
        for (step, batch) in whole.enumerated() {
            let size = 3 * 8 * 8
            for (row, index) in batch.indices.enumerated() {
                let (part, place) = (parts[row % worldSize][step], row / worldSize)
                #expect(part.indices[place] == index)
                #expect(
                    part.floats()[place * size..<(place + 1) * size]
                        == batch.floats()[row * size..<(row + 1) * size])
            }
        }
    }

    @Test func everyRowIsItsPictureThroughThePipeline() throws {
        let plan = try plan()
        var runner = PipelineRunner(crop)
        for batch in try all(plan) {
            for row in 0..<batch.count {
                let index = batch.indices[row]
                var random = CounterRandom(
                    seed: 11, purpose: .augmentation, epoch: batch.position.epoch, sample: index)
                var expected = [Float](repeating: 0, count: 3 * 8 * 8)
                let picture = try plan.source.read(at: index)
                try expected.withUnsafeMutableBufferPointer {
                    try runner.write(PictureWindow(picture), random: &random, to: $0)
                }
                let size = expected.count
                #expect(Array(batch.floats()[row * size..<(row + 1) * size]) == expected)
                #expect(batch.labels[row] == index % 2)
            }
        }
    }

    @Test func epochsAugmentAnew() throws {
        let batches = try all(try plan(count: 6, batch: 6))
        let rows = batches.map { batch -> [Int: [Float]] in
            Dictionary(
                uniqueKeysWithValues: batch.indices.enumerated().map { row, index in
                    (index, Array(batch.floats()[row * 192..<(row + 1) * 192]))
                })
        }
        #expect((0..<6).allSatisfy { rows[0][$0] != rows[1][$0] })
    }

    @Test func theLastBatchMayBeSmaller() throws {
        let batches = try all(try plan(dropsLast: false), epochs: 1)
        #expect(batches.map(\.count) == [6, 6, 6, 6, 6, 6, 1])
        #expect(batches.last?.floats().count == 192)
        #expect(batches.flatMap(\.indices).sorted() == Array(0..<37))
    }

    @Test func bytesAreTheFloatsBeforeNormalisation() throws {
        var plan = try plan()
        let floats = try all(plan, epochs: 1)
        plan.element = .uint8
        let bytes = try all(plan, epochs: 1)
        for (a, b) in zip(floats, bytes) {
            let (mean, std) = (Normalization.imageNet.mean, Normalization.imageNet.std)
            let normalized = b.withUnsafeBytes { block in
                block.enumerated().map { offset, value in
                    (Float(value) / 255 - mean[offset / 64 % 3]) / std[offset / 64 % 3]
                }
            }
            #expect(normalized == a.floats())
        }
    }

    @Test func viewsAreDrawnIndependently() throws {
        var plan = try plan()
        let one = try all(plan, epochs: 1)
        plan.views = [crop, crop, ImagePipeline([Resize(size: 4, fit: .exact)])]
        for (a, b) in zip(one, try all(plan, epochs: 1)) {
            #expect(b.floats(view: 0) == a.floats())
            #expect(b.floats(view: 1) != a.floats())
            #expect(b.floats(view: 2).count == a.count * 3 * 4 * 4)
        }
    }

    @Test func badPicturesAreReplacedByTheNext() throws {
        let bad: Set<Int> = [3, 4, 36]
        let plan = try plan(bad: bad, dropsLast: false)
        let records = Mutex<[BadFile]>([])
        let loader = try Loader(
            plan, options: LoaderOptions(threads: 3), epochs: 1,
            report: { file in records.withLock { $0.append(file) } })
        var pairs: [Int: Int] = [:]
        while let batch = try loader.next() {
            for row in 0..<batch.count { pairs[batch.keys[row]] = batch.indices[row] }
        }
        for key in 0..<37 { #expect(pairs[key] == [3: 5, 4: 5, 36: 0][key, default: key]) }
        let found = records.withLock { $0 }
        #expect(found.count == 4)  // 3, then 4 in its place, 4, 36
        let record = try #require(found.first { $0.index == 36 })
        #expect(record.substitute == 0)
        #expect(record.name == "picture 36")
        #expect(record.reason.contains("is bad on purpose"))
        #expect(loader.statistics.badFiles == 4)
        #expect(loader.statistics.pictures == 37)
        #expect(loader.statistics.batches == 7)
    }

    @Test func badPicturesCanBeLeftOut() throws {
        var plan = try plan(bad: [0, 7, 8, 30], dropsLast: false)
        plan.onBadFile = .skip
        let batches = try all(plan, threads: 3, epochs: 1)
        #expect(
            batches.flatMap(\.indices).sorted() == (0..<37).filter { ![0, 7, 8, 30].contains($0) })
        let whole = try all(try self.plan(dropsLast: false), epochs: 1)
        for (batch, reference) in zip(batches, whole) {
            for (row, index) in batch.indices.enumerated() {
                let there = try #require(reference.indices.firstIndex(of: index))
                #expect(
                    batch.floats()[row * 192..<(row + 1) * 192]
                        == reference.floats()[there * 192..<(there + 1) * 192])
            }
        }
        #expect(batches.flatMap(\.badFiles).map(\.substitute) == [nil, nil, nil, nil])
    }

    @Test func badPicturesCanEndLoading() throws {
        var plan = try plan(bad: [9])
        plan.onBadFile = .stop
        let loader = try Loader(plan, epochs: 2)
        let error = #expect(throws: ImageError.self) {
            while try loader.next() != nil {}
        }
        #expect(error?.name == "picture 9")
    }

    @Test func aSourceOfBadPicturesEnds() throws {
        let plan = try plan(bad: Set(0..<37))
        let loader = try Loader(plan)
        let error = #expect(throws: DataError.self) { try loader.next() }
        #expect(error?.kind == .tooManyBadFiles)
    }

    @Test func aLoaderCanBeLeftAtAnyTime() throws {
        let plan = try plan()
        for taken in 0..<4 {
            for threads in [1, 4] {
                let loader = try Loader(
                    plan, options: LoaderOptions(threads: threads, prefetch: 3))
                for _ in 0..<taken { _ = try loader.next() }
            }
        }
    }

    @Test func memoryOfABatchIsUsedAgainOnlyWhenItIsFree() throws {
        let loader = try Loader(try plan(), options: LoaderOptions(threads: 2, prefetch: 1))
        let kept = try #require(try loader.next())
        let values = kept.floats()
        var blocks: Set<UnsafeRawPointer?> = []
        for _ in 0..<40 {
            let batch = try #require(try loader.next())
            batch.withUnsafeBytes { _ = blocks.insert($0.baseAddress) }
        }
        #expect(kept.floats() == values)
        #expect(!blocks.contains(kept.withUnsafeBytes { $0.baseAddress }))
        #expect(blocks.count <= 3)
    }

    @Test func picturesComeFromFilesToo() throws {
        let folder = try TemporaryFolder()
        for number in 0..<12 {
            try folder.writePicture("\(number % 3)/\(number).jpg", seed: number)
        }
        try folder.write([0xFF, 0xD8, 0xFF, 0xE0, 1], to: "1/broken.jpg")
        let source = try openSource(folder.path)
        let plan = LoaderPlan(
            source: source, views: [crop],
            sampler: try Sampler(count: 13, globalBatchSize: 13, seed: 1))
        let a = try all(plan, threads: 1, epochs: 1)
        let b = try all(plan, threads: 4, epochs: 1)
        expectEqual(a, b, "files")
        #expect(a[0].badFiles.count == 1)
        #expect(a[0].badFiles.first?.name.hasSuffix("1/broken.jpg") == true)
        #expect(a[0].labels == a[0].indices.map { source.label(at: $0) })
    }

    @Test func aPipelineThatMakesNoSenseIsRefused() throws {
        var plan = try plan()
        plan.views = [ImagePipeline([Resize(size: 8)])]
        let error = #expect(throws: DataError.self) { try Loader(plan) }
        #expect(error?.problem == "is [\"resize\"]")
    }
}
