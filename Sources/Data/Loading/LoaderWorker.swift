import Imaging

/// What one loader thread does: read, decode once, make every view, put it into its row.
struct LoaderWorker {
    /// Which of the threads it is.
    private let number: Int
    private let ring: LoaderRing
    private let plan: LoaderPlan
    private var runners: [PipelineRunner]
    private var picture = StoredPicture()

    /// Substitutes that are tried for one row before loading ends.
    private static let mostSubstitutes = 100

    init(_ number: Int, _ ring: LoaderRing) {
        (self.number, self.ring) = (number, ring)
        plan = ring.plan
        runners = plan.views.map(PipelineRunner.init)
    }

    mutating func run() {
        while let run = ring.nextRun() {
            var outcomes: [RowOutcome] = []
            for (row, key) in zip(run.rows, run.keys) {
                guard let outcome = fill(row, with: key, run) else { return }
                outcomes.append(outcome)
            }
            ring.finish(run, outcomes)
        }
    }

    /// The loader goes, or gave the thread up while it waited for a source.
    private struct GivenUp: Error {}

    /// Fills a row, by another picture if the policy says so; nil if the thread must end.
    private mutating func fill(_ row: Int, with key: Int, _ run: LoaderRing.Run) -> RowOutcome? {
        var outcome = RowOutcome()
        var index = plan.sampler.picture(of: key)
        while true {
            do {
                try write(index, row: row, key: key, run)
                outcome.index = index
                return outcome
            } catch is GivenUp {
                return nil
            } catch {
                let next = (index + 1) % plan.source.count
                let substitutes = plan.onBadFile == .substitute
                outcome.badFiles.append(
                    BadFile(
                        index: index, name: plan.source.name(at: index), reason: "\(error)",
                        epoch: run.position.epoch, step: run.position.step,
                        substitute: substitutes ? next : nil))
                switch plan.onBadFile {
                case .skip: return outcome
                case .stop:
                    outcome.failure = error
                    return outcome
                case .substitute:
                    let tries = min(Self.mostSubstitutes, plan.source.count)
                    guard outcome.badFiles.count < tries else {
                        outcome.failure = DataError(
                            .tooManyBadFiles, plan.source.name(at: plan.sampler.picture(of: key)),
                            "this and the \(tries - 1) pictures after it cannot be read; the last "
                                + "one: \(error)",
                            remedy: "check the disk and the format of the pictures")
                        return outcome
                    }
                    index = next
                }
            }
        }
    }

    /// Writes all views of picture `index`; random draws depend on `key`.
    private mutating func write(_ index: Int, row: Int, key: Int, _ run: LoaderRing.Run) throws {
        try load(index, run)
        let views = plan.views
        let streams = views.indices.map { view in
            CounterRandom(
                seed: plan.sampler.seed, purpose: .augmentation, epoch: run.position.epoch,
                sample: key, view: views[view].stream ?? view)
        }
        let window = try picture.window(plan.decoder, name: plan.source.name(at: index)) { size in
            zip(views, streams).map { $0.region(of: size, random: $1) }
        }
        for view in plan.views.indices {
            var random = streams[view]
            let block = run.memories[view].bytes
            let size = block.count / plan.sampler.batchSize
            let target = UnsafeMutableRawBufferPointer(
                rebasing: block[row * size..<(row + 1) * size])
            switch plan.element {
            case .float32:
                try runners[view].write(
                    window, random: &random, to: target.bindMemory(to: Float.self))
            case .uint8:
                try runners[view].write(
                    window, random: &random, to: target.bindMemory(to: UInt8.self))
            }
        }
    }
    /// Reads a picture, which may take for ever where a network disk is gone.
    private mutating func load(_ index: Int, _ run: LoaderRing.Run) throws {
        switch ring.beginReading(index, of: run, thread: number) {
        case .given: break
        case .stopped: throw GivenUp()
        case .hanging:
            throw ImageError(
                .unreadable, name: plan.source.name(at: index),
                reason: "was not there after \(plan.readTimeout ?? .zero)")
        }
        let result = Result { try plan.source.load(index, into: &picture) }
        guard ring.endReading(thread: number) else { throw GivenUp() }
        try result.get()
    }
}
