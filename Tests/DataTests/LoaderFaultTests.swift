import Glibc
import Imaging
import Synchronization
import Testing

@testable import Data

@Suite("Loader and sources that fail", .timeLimit(.minutes(2))) struct LoaderFaultTests {
    private func plan(_ source: some ImageSource, batch: Int = 4) throws -> LoaderPlan {
        LoaderPlan(
            source: source, views: [ImagePipeline([CenterCrop(size: 4)])],
            sampler: try Sampler(
                count: source.count, globalBatchSize: batch, seed: 3, dropsLast: false))
    }

    @Test(arguments: [1, 3]) func aPictureThatNeverComesIsReplaced(threads: Int) throws {
        let source = HangingSource(count: 20, hanging: [6, 11])
        defer { source.release() }
        var plan = try plan(source)
        plan.readTimeout = .milliseconds(50)
        let loader = try Loader(plan, options: LoaderOptions(threads: threads), epochs: 2)
        var indices: [Int] = []
        var bad: [BadFile] = []
        while let batch = try loader.next() {
            #expect(batch.count == 4)
            // Where a row was written by two threads, the second wrote the same picture again.
            for (row, index) in batch.indices.enumerated() {
                let values = batch.floats()[row * 48..<(row + 1) * 48]
                let expected = (Float(index) / 255 - 0.485) / 0.229
                #expect(values.first == expected)
            }
            indices += batch.indices
            bad += batch.badFiles
        }
        #expect(indices.count == 40 && !indices.contains(6) && !indices.contains(11))
        #expect(indices.count { $0 == 7 } == 4 && indices.count { $0 == 12 } == 4)
        #expect(bad.map(\.index).sorted() == [6, 6, 11, 11])
        #expect(bad.allSatisfy { $0.reason.contains("was not there after 0.05 seconds") })
    }

    @Test func aGivenUpThreadTouchesNothing() throws {
        let source = HangingSource(count: 8, hanging: [2])
        var plan = try plan(source, batch: 8)
        plan.readTimeout = .milliseconds(50)
        let loader = try Loader(plan, options: LoaderOptions(threads: 1, prefetch: 1), epochs: 3)
        let first = try #require(try loader.next())
        let values = first.floats()
        source.release()
        #expect(try loader.next()?.count == 8)
        #expect(try loader.next()?.count == 8)
        #expect(first.floats() == values)
    }

    @Test func aLoaderGoesThoughASourceHangs() throws {
        let source = HangingSource(count: 20, hanging: Set(0..<20))
        defer { source.release() }
        let start = ContinuousClock.now
        do {
            let loader = try Loader(plan(source), options: LoaderOptions(threads: 2), epochs: 1)
            usleep(50_000)  // both threads wait for a picture
            #expect(loader.statistics.pictures == 0)
        }
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    @Test func tooManyBadPicturesEndLoading() throws {
        let bad = Set((0..<1000).filter { $0 % 4 == 0 })
        var plan = try plan(MemorySource(count: 1000, bad: bad), batch: 50)
        let loader = try Loader(plan, epochs: 1)
        var batches = 0
        let error = #expect(throws: DataError.self) {
            while try loader.next() != nil { batches += 1 }
        }
        #expect(error?.kind == .tooManyBadFiles)
        #expect(error?.problem.contains("cannot be read, more than 10.0 %") == true)
        #expect(batches < 12)

        plan.mostBad = 0.3
        let patient = try Loader(plan, epochs: 1)
        var count = 0
        while let batch = try patient.next() { count += batch.count }
        #expect(count == 1000)
    }

    @Test func aFewBadPicturesOfASmallSetAreNoReasonToStop() throws {
        let plan = try plan(MemorySource(count: 40, bad: Set(0..<20)))
        let loader = try Loader(plan, epochs: 5)
        var count = 0
        while let batch = try loader.next() { count += batch.count }
        #expect(count == 200)
    }
}

/// Pictures of one value, their number; some are not delivered until `release`.
private final class HangingSource: ImageSource, Sendable {
    let count: Int
    let classNames: [String] = []
    private let hanging: Set<Int>
    private let released = Monitor(false)

    init(count: Int, hanging: Set<Int>) { (self.count, self.hanging) = (count, hanging) }

    func release() { released.change { $0 = true } }

    func label(at index: Int) -> Int? { nil }

    func name(at index: Int) -> String { "picture \(index)" }

    func load(_ index: Int, into picture: inout StoredPicture) throws {
        if hanging.contains(index) { _ = released.wait { $0 ? true : nil } }
        picture.pixels = ImageBuffer(
            width: 5, height: 6, channels: 3,
            pixels: [UInt8](repeating: UInt8(index), count: 90))
        picture.form = .decoded
    }
}
