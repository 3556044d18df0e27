import Foundation
public import Imaging

/// Settings that change speed and memory, never a result.
public struct LoaderOptions: Sendable, Equatable {
    /// Threads that read and transform; the default is one for each processor.
    public var threads = max(1, ProcessInfo.processInfo.activeProcessorCount)
    /// Batches that may be ready or in work before they are asked for.
    public var prefetch = 2
    /// Whether batches lie in page-locked memory, which a GPU reads without the CPU.
    public var isPinned = false

    public init() {}

    public init(threads: Int, prefetch: Int = 2) {
        (self.threads, self.prefetch) = (threads, prefetch)
    }

    /// For batches that go to a device, a GPU or the CPU, with as many threads as are asked for, if any.
    public init(threads: Int?, toGPU isPinned: Bool) {
        if let threads { self.threads = threads }
        self.isPinned = isPinned
    }
}

/// What a loader reads and makes of it; with the seed and the position it determines every batch.
public struct LoaderPlan: Sendable {
    public var source: any ImageSource
    /// One pipeline for each view; a picture is decoded once for all.
    public var views: [ImagePipeline]
    public var sampler: Sampler
    public var element = HostBatch.Element.float32
    public var onBadFile = BadFilePolicy.substitute
    /// The part of the pictures that may be bad before loading ends.
    ///
    /// It ends when more than this part of those loaded so far, or of all, cannot be read, and at
    /// least a hundred: a handful of bad files in a small folder is no reason to stop.
    public var mostBad = 0.1
    /// How long reading one file may take before it counts as bad; nil for any time.
    public var readTimeout: Duration? = .seconds(120)
    public var decoder = ImageDecoder()

    public init(source: any ImageSource, views: [ImagePipeline], sampler: Sampler) {
        (self.source, self.views, self.sampler) = (source, views, sampler)
    }
}

/// What a loader did so far.
public struct LoaderStatistics: Sendable, Equatable {
    /// Batches handed over.
    public var batches = 0
    /// Pictures read and transformed, those in work ahead included.
    public var pictures = 0
    /// Seconds that `next` waited for a batch.
    public var waitSeconds = 0.0
    public var badFiles = 0
}

/// Batches in order, made ahead by native threads.
///
/// The unit of work is a run of pictures, written into its rows of the batch's block. A ring of
/// `prefetch` batches is filled in order, so at most that many blocks exist beside those in use.
/// What a batch holds depends on the plan and its position only: not on the number of threads, the
/// ring, or which batches came before. Threads end when the loader goes.
public final class Loader {
    public let plan: LoaderPlan
    public let options: LoaderOptions
    private let ring: LoaderRing
    private var threads: [Int: WorkerThread] = [:]
    private var waited = 0.0
    private var taken = 0
    private var takenPictures = 0
    private var badPictures: Set<Int> = []
    /// Threads started so far.
    private var started = 0
    private let report: (BadFile) -> Void

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - plan: what to load.
    ///   - options: threads and prefetch.
    ///   - start: the first batch, for instance where a run was interrupted.
    ///   - epochs: how many epochs to load, counted from 0; nil for no end.
    ///   - report: called by `next` for each bad picture of the batch it returns.
    /// - Throws: `DataError` for a pipeline that makes no sense or if a thread cannot be started.
    public init(
        _ plan: LoaderPlan, options: LoaderOptions = LoaderOptions(),
        start: LoaderPosition = LoaderPosition(), epochs: Int? = nil,
        report: @escaping (BadFile) -> Void = { _ in }
    ) throws {
        require(!plan.views.isEmpty, "Loader: no views")
        require(plan.sampler.count == plan.source.count, "Loader: the sampler has another count")
        for view in plan.views { try view.validate(element: plan.element) }
        self.plan = plan
        self.options = options
        self.report = report
        ring = LoaderRing(plan, options: options, start: start, epochs: epochs)
        for _ in 0..<max(1, options.threads) { try startThread() }
    }

    deinit {
        // A source that no longer answers must not keep the program from ending.
        let waiting = ring.stop(patience: .seconds(2))
        for (number, thread) in threads {
            if waiting.contains(number) { thread.abandon() } else { thread.join() }
        }
    }

    private func startThread() throws {
        let (ring, number) = (ring, started)
        threads[number] = try WorkerThread {
            var worker = LoaderWorker(number, ring)
            worker.run()
        }
        started += 1
    }

    /// The next batch; nil after the last epoch.
    ///
    /// The memory of a batch is used again when nothing
    /// refers to it any more.
    ///
    /// - Returns: the batch, made ahead if the threads were fast enough.
    /// - Throws: the error of a picture where bad files stop, or `DataError` if too many follow one
    ///   another.
    public func next() throws -> HostBatch? {
        let start = ContinuousClock.now
        defer { waited += (ContinuousClock.now - start).seconds }
        while true {
            switch try ring.takeNext() {
            case .end: return nil
            case .given(let late):
                for number in late {
                    threads.removeValue(forKey: number)?.abandon()
                    try startThread()
                }
            case .batch(let batch):
                taken += 1
                takenPictures += batch.count
                for bad in batch.badFiles { report(bad) }
                try check(batch.badFiles)
                return batch
            }
        }
    }

    /// Throws when too many pictures are bad.
    private func check(_ badFiles: [BadFile]) throws {
        guard !badFiles.isEmpty else { return }
        badPictures.formUnion(badFiles.map(\.index))
        let seen = min(takenPictures, plan.source.count)
        guard badPictures.count >= 100, Double(badPictures.count) > plan.mostBad * Double(seen)
        else { return }
        throw DataError(
            .tooManyBadFiles, "the pictures",
            "\(badPictures.count) of \(seen) cannot be read, more than "
                + "\(plan.mostBad * 100) %; the last one: \(badFiles[badFiles.count - 1].reason)",
            remedy: "run `tessera data check`, or allow more with data.mostBad")
    }

    public var statistics: LoaderStatistics {
        var statistics = ring.statistics
        (statistics.batches, statistics.waitSeconds) = (taken, waited)
        return statistics
    }
}

extension Duration {
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
