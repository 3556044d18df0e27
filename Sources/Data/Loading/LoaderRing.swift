import Glibc
import Imaging

/// The batches in work and ready: the one thing that loader threads and the consumer share.
final class LoaderRing: Sendable {
    let plan: LoaderPlan
    private let pools: [BatchPool]
    private let depth: Int
    private let runLength: Int
    private let state: Monitor<State>

    /// Rows of one batch for one thread.
    struct Run {
        /// The number of the batch since the start.
        let batch: Int
        let position: LoaderPosition
        let rows: Range<Int>
        /// The samples of these rows.
        let keys: ArraySlice<Int>
        let memories: [BatchMemory]
    }

    /// A thread that waits for a source, outside of our control.
    private struct Reading {
        let run: Run
        let picture: Int
        let since: ContinuousClock.Instant
    }

    private struct Entry {
        let position: LoaderPosition
        let keys: [Int]
        let memories: [BatchMemory]
        var outcomes: [RowOutcome?]
        /// Rows before this one are given to threads.
        var assigned = 0
        var unfinished: Int
    }

    private struct State {
        var entries: [Entry] = []
        /// The number of the first entry since the start.
        var first = 0
        /// The batch to open next.
        var upcoming: LoaderPosition
        var order: (epoch: Int, keys: [Int])?
        var isStopped = false
        var statistics = LoaderStatistics()
        /// By the number of the thread.
        var readings: [Int: Reading] = [:]
        /// Runs whose thread was given up.
        var orphans: [Run] = []
        /// Pictures that a source did not deliver in time.
        var hanging: Set<Int> = []
    }

    private let epochs: Int?

    init(_ plan: LoaderPlan, options: LoaderOptions, start: LoaderPosition, epochs: Int?) {
        let threads = max(1, options.threads)
        self.plan = plan
        self.epochs = epochs
        depth = max(1, options.prefetch)
        let size = plan.sampler.batchSize
        // Several runs a thread even out pictures of different size; few locks for tiny ones.
        runLength = max(1, min(32, size / (4 * threads)))
        pools = plan.views.map { view in
            BatchPool(
                byteCount: size * view.channels * (view.size?.count ?? 0) * plan.element.byteCount,
                isPinned: options.isPinned)
        }
        state = Monitor(State(upcoming: start))
    }

    var statistics: LoaderStatistics { state.withLock { $0.statistics } }

    /// Ends the work of all threads.
    ///
    /// - Returns: the threads that still wait for a source after some time, which are given up.
    func stop(patience: Duration) -> Set<Int> {
        state.change { $0.isStopped = true }
        let start = ContinuousClock.now
        while ContinuousClock.now - start < patience, state.withLock({ !$0.readings.isEmpty }) {
            usleep(200)
        }
        return state.withLock { state in
            defer { state.readings = [:] }
            return Set(state.readings.keys)
        }
    }

    // MARK: Threads

    private enum Next {
        case run(Run)
        case end
    }

    /// The next rows to fill; nil when the loader goes or nothing is left.
    func nextRun() -> Run? {
        let next = state.wait { state -> Next? in
            if state.isStopped { return .end }
            if let run = state.orphans.popLast() { return .run(run) }
            if let run = assignRows(&state) { return .run(run) }
            // A thread that hangs may leave its rows to this one.
            if isAtEnd(state) { return state.readings.isEmpty ? .end : nil }
            guard state.entries.count < depth else { return nil }
            openEntry(&state)
            return assignRows(&state).map(Next.run)
        }
        if case .run(let run) = next { return run }
        return nil
    }

    /// Takes over what became of the rows of a run.
    func finish(_ run: Run, _ outcomes: [RowOutcome]) {
        state.change { state in
            let index = run.batch - state.first
            for (row, outcome) in zip(run.rows, outcomes) {
                state.entries[index].outcomes[row] = outcome
            }
            state.entries[index].unfinished -= run.rows.count
            state.statistics.pictures += run.rows.count
            state.statistics.badFiles += outcomes.reduce(0) { $0 + $1.badFiles.count }
        }
    }

    /// Whether a thread may wait for a picture.
    enum Permission {
        case given
        /// The picture is known to hang.
        case hanging
        /// The loader goes.
        case stopped
    }

    /// Says that a thread waits for a picture from now on, if it may.
    func beginReading(_ picture: Int, of run: Run, thread: Int) -> Permission {
        state.withLock { state in
            if state.isStopped { return .stopped }
            guard !state.hanging.contains(picture) else { return .hanging }
            state.readings[thread] = Reading(run: run, picture: picture, since: .now)
            return .given
        }
    }

    /// Says that the picture is there; false if the thread was given up and must end at once,
    /// touching nothing.
    func endReading(thread: Int) -> Bool {
        state.withLock { state in
            let isKept = state.readings.removeValue(forKey: thread) != nil
            return isKept && !state.isStopped
        }
    }

    private func isAtEnd(_ state: State) -> Bool {
        epochs.map { state.upcoming.epoch >= $0 } ?? false
    }

    private func openEntry(_ state: inout State) {
        let position = state.upcoming
        if state.order?.epoch != position.epoch {
            state.order = (position.epoch, plan.sampler.keys(epoch: position.epoch))
        }
        let keys = plan.sampler.places(step: position.step).map { state.order?.keys[$0] ?? 0 }
        state.entries.append(
            Entry(
                position: position, keys: keys, memories: pools.map { $0.take() },
                outcomes: Array(repeating: nil, count: keys.count), unfinished: keys.count))
        state.upcoming = plan.sampler.advance(position)
    }

    private func assignRows(_ state: inout State) -> Run? {
        for index in state.entries.indices {
            let entry = state.entries[index]
            guard entry.assigned < entry.keys.count else { continue }
            let rows = entry.assigned..<min(entry.assigned + runLength, entry.keys.count)
            state.entries[index].assigned = rows.upperBound
            return Run(
                batch: state.first + index, position: entry.position, rows: rows,
                keys: entry.keys[rows], memories: entry.memories)
        }
        return nil
    }

    // MARK: Consumer

    private enum Taken {
        case entry(Entry)
        case given(up: [Int])
        case end
    }

    /// What the consumer gets.
    enum Delivery {
        case batch(HostBatch)
        /// These threads wait too long for a source and were given up: start others.
        case given(up: [Int])
        case end
    }

    /// Waits for the next batch and makes room for another.
    func takeNext() throws -> Delivery {
        let taken = state.wait { state -> Taken? in
            guard let entry = state.entries.first else {
                return isAtEnd(state) || state.isStopped ? .end : nil
            }
            guard entry.unfinished == 0 else {
                let late = giveUpLateThreads(&state)
                return late.isEmpty ? nil : .given(up: late)
            }
            state.entries.removeFirst()
            state.first += 1
            return .entry(entry)
        }
        state.change { _ in }  // wakes threads that waited for room
        switch taken {
        case .entry(let entry): return .batch(try assemble(entry))
        case .given(let threads): return .given(up: threads)
        case .end: return .end
        }
    }

    private func giveUpLateThreads(_ state: inout State) -> [Int] {
        guard let limit = plan.readTimeout else { return [] }
        let late = state.readings.filter { ContinuousClock.now - $0.value.since > limit }
        for (thread, reading) in late {
            state.readings[thread] = nil
            state.hanging.insert(reading.picture)
            state.orphans.append(reading.run)
        }
        return late.keys.sorted()
    }

    /// Puts the rows together, or throws the error of the first that ends loading.
    private func assemble(_ entry: Entry) throws -> HostBatch {
        let views = zip(plan.views, entry.memories).map { view, memory in
            HostBatch.View(
                channels: view.channels, size: view.size ?? 0, element: plan.element,
                normalization: view.normalization, memory: memory)
        }
        var batch = HostBatch(
            position: entry.position, seed: plan.sampler.seed, views: views, indices: [], keys: [],
            labels: [], badFiles: [])
        for (row, outcome) in entry.outcomes.enumerated() {
            guard let outcome else { fatalError("LoaderRing: row \(row) was not filled") }
            batch.badFiles += outcome.badFiles
            if let error = outcome.failure { throw error }
            guard let index = outcome.index else { continue }  // skipped
            if batch.count < row {
                for view in views { view.moveRow(row, to: batch.count) }
            }
            batch.indices.append(index)
            batch.keys.append(entry.keys[row])
            batch.labels.append(plan.source.label(at: index) ?? -1)
        }
        return batch
    }
}

/// What became of one row of a batch.
struct RowOutcome: Sendable {
    /// The picture that fills it; nil if the row is left out.
    var index: Int?
    var badFiles: [BadFile] = []
    /// The error that ends loading.
    var failure: (any Error)?
}

extension HostBatch.View {
    /// Closes a gap that a skipped picture left.
    fileprivate func moveRow(_ row: Int, to target: Int) {
        guard let start = memory.bytes.baseAddress else { return }
        (start + target * pictureBytes).copyMemory(
            from: start + row * pictureBytes, byteCount: pictureBytes)
    }
}
