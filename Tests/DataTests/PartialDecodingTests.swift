import Imaging
import Testing

@testable import Data

/// Batches of pictures of which no more is decoded than the views need.
@Suite("Loading parts of pictures", .timeLimit(.minutes(2))) struct PartialDecodingTests {
    let folder: TemporaryFolder
    let source: ImageFolder

    init() throws {
        folder = try TemporaryFolder()
        for index in 0..<5 {
            // No detail is finer than the pixels of the views.
            let soft = noise(width: 8, height: 6, channels: 3, seed: index).resized(
                width: 300 + 7 * index, height: 200, interpolation: .bicubic)
            try folder.write(try soft.encodedJPEG(), to: "\(index).jpg")
        }
        source = try ImageFolder(folder.path, split: .all)
    }

    /// First steps of every kind.
    static let views: [[any TransformStep]] = [
        [RandomResizedCrop(size: 32), HorizontalFlip()],
        [RandomResizedCrop(size: 24, scale: [0.05, 0.3]), VerticalFlip()],
        [Resize(size: 40), CenterCrop(size: 32)], [CenteredResize(size: 32)],
        [Resize(size: 48, fit: .exact), RandomCrop(size: 32)],
    ]
    static let others: [[any TransformStep]] = [
        [CenterCrop(size: 32)], [RandomCrop(size: 32)],
        [HorizontalFlip(), RandomResizedCrop(size: 32)],
    ]

    private func rows(
        _ views: [[any TransformStep]], _ scaling: ImageDecoder.Scaling, threads: Int = 1
    ) throws -> [[Float]] {
        var plan = LoaderPlan(
            source: source, views: views.map { ImagePipeline($0, normalization: .none) },
            sampler: try Sampler(count: 5, globalBatchSize: 5, seed: 3, shuffles: false))
        plan.onBadFile = .stop
        plan.decoder.scaling = scaling
        let loader = try Loader(plan, options: LoaderOptions(threads: threads), epochs: 1)
        let batch = try #require(try loader.next())
        return views.indices.map { batch.floats(view: $0) }
    }

    /// The views of the pictures decoded whole, which is what the loader must not be seen to avoid.
    private func expected(_ views: [[any TransformStep]]) throws -> [[Float]] {
        try views.enumerated().map { view, steps in
            let pipeline = ImagePipeline(steps, normalization: .none)
            var runner = PipelineRunner(pipeline)
            let size = try #require(pipeline.size)
            return try (0..<5).flatMap { index in
                var random = CounterRandom(
                    seed: 3, purpose: .augmentation, epoch: 0, sample: index, view: view)
                var result = [Float](repeating: 0, count: 3 * size.count)
                let picture = PictureWindow(try source.read(at: index))
                try result.withUnsafeMutableBufferPointer {
                    try runner.write(picture, random: &random, to: $0)
                }
                return result
            }
        }
    }

    @Test("exact decoding makes what whole pictures make")
    func exact() throws {
        for steps in Self.views + Self.others {
            #expect(try rows([steps], .exact) == expected([steps]), "\(steps)")
        }
        let all = Self.views + Self.others
        #expect(try rows(all, .exact) == expected(all))
    }

    @Test("fast decoding makes nearly the same, whatever the threads")
    func fast() throws {
        let exact = try rows(Self.views, .exact)
        let fast = try rows(Self.views, .fast)
        for (view, (a, b)) in zip(exact, fast).enumerated() {
            let error = zip(a, b).reduce(0) { $0 + abs($1.0 - $1.1) } / Float(a.count)
            // Colours change by some 15 levels a pixel: half a level is 1/30 of a pixel's shift.
            #expect(a != b && error < 0.5 / 255, "view \(view): \(error * 255) levels")
        }
        #expect(try rows(Self.views, .fast, threads: 3) == fast)
        // The same pictures are bad, and the same draws are made, one view at a time or all at once.
        for (view, steps) in Self.views.enumerated() where view == 0 {
            let alone = try rows([steps], .fast)[0]
            let error = zip(alone, exact[view]).reduce(0) { $0 + abs($1.0 - $1.1) }
            #expect(error / Float(alone.count) < 0.5 / 255)
        }
    }

    @Test("views that use pixels as they are keep fast decoding from making them fewer")
    func pixels() throws {
        for steps in Self.others {
            #expect(try rows([steps], .fast) == rows([steps], .exact), "\(steps)")
        }
        let mixed = [Self.views[0], Self.others[0]]
        #expect(try rows(mixed, .fast) == rows(mixed, .exact))
    }
}
