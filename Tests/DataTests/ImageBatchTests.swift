import Imaging
import Testing
import Torch

@testable import Data

@Suite("Batches as tensors") struct ImageBatchTests {
    func loader(_ element: HostBatch.Element) throws -> Loader {
        var plan = LoaderPlan(
            source: MemorySource(count: 10),
            views: [ImagePipeline([RandomResizedCrop(size: 6)])],
            sampler: try Sampler(count: 10, globalBatchSize: 4, seed: 3))
        plan.element = element
        return try Loader(plan, options: LoaderOptions(threads: 2, prefetch: 1))
    }

    @Test func floatsAreSharedWithoutACopy() throws {
        let host = try #require(try loader(.float32).next())
        let batch = ImageBatch(host)
        #expect(batch.images.shape == [4, 3, 6, 6])
        #expect(batch.images.values(as: Float.self) == host.floats())
        let start = batch.images.withUnsafeBytes { $0.baseAddress }
        #expect(start == host.withUnsafeBytes { $0.baseAddress })
        #expect(batch.labels.dtype == .int64)
        #expect(batch.labels.values(as: Int.self) == host.indices.map { $0 % 2 })
    }

    @Test func aTensorKeepsItsMemoryFromTheLoader() throws {
        let loader = try loader(.float32)
        let images = ImageBatch(try #require(try loader.next())).images
        let values = images.values(as: Float.self)
        for _ in 0..<10 { _ = try loader.next() }
        #expect(images.values(as: Float.self) == values)
    }

    @Test func bytesAreNormalisedToTheSameFloats() throws {
        let floats = ImageBatch(try #require(try loader(.float32).next()))
        let bytes = ImageBatch(try #require(try loader(.uint8).next()))
        #expect(bytes.images.dtype == .float32)
        let a = floats.images.values(as: Float.self)
        let b = bytes.images.values(as: Float.self)
        #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 1e-6 })
        #expect(a.count == b.count)
    }

    @Test func drawsBelongToThePictureNotToTheRow() throws {
        let loader = try loader(.float32)
        var seen: [Int: [Float]] = [:]
        for _ in 0..<2 {
            let batch = ImageBatch(try #require(try loader.next()))
            let draws = batch.uniform(.mask, 5)
            #expect(draws.shape == [4, 5])
            let values = draws.values(as: Float.self)
            for (row, key) in batch.keys.enumerated() {
                var random = CounterRandom(seed: 3, purpose: .mask, epoch: 0, sample: key)
                let expected = (0..<5).map { _ in random.uniform() as Float }
                #expect(Array(values[row * 5..<row * 5 + 5]) == expected)
                seen[key] = expected
            }
            #expect(batch.uniform(.method, 5).values(as: Float.self) != values)
        }
        #expect(Set(seen.values).count == 8)
    }

    @Test(arguments: [(16, 0.75, 4), (196, 0.75, 49), (10, 0.33, 6), (36, 0.6, 14), (5, 0, 5)])
    func masksKeepTheGivenPart(patches: Int, ratio: Double, expected: Int) throws {
        let batch = ImageBatch(try #require(try loader(.float32).next()))
        let mask = RandomMask(batch, patches: patches, ratio: ratio)
        #expect(mask.kept.shape == [4, expected])
        #expect(mask.gapCount == patches - expected)
        let dropped = mask.dropped.values(as: Float.self)
        let kept = mask.kept.values(as: Int.self)
        let restore = mask.restore.values(as: Int.self)
        for row in 0..<4 {
            let places = restore[row * patches..<(row + 1) * patches]
            #expect(places.sorted() == Array(0..<patches))
            for (place, patch) in kept[row * expected..<(row + 1) * expected].enumerated() {
                #expect(dropped[row * patches + patch] == 0)
                #expect(restore[row * patches + patch] == place)
            }
            #expect(
                dropped[row * patches..<(row + 1) * patches].reduce(0, +)
                    == Float(patches - expected))
        }
    }
}
