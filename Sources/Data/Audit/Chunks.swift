/// The numbers 0..<count, given out to threads a few at a time, lowest first.
final class Chunks: Sendable {
    private struct State {
        var next = 0
        var done = 0
        var running = 0
    }
    private let count: Int
    private let length: Int
    private let state = Monitor(State())

    private init(_ count: Int, length: Int) { (self.count, self.length) = (count, length) }

    /// The next numbers; nil when none are left.
    ///
    /// Asking says that those of `last` are done.
    func next(after last: Range<Int>? = nil) -> Range<Int>? {
        state.change { state in
            state.done += last?.count ?? 0
            guard state.next < count else { return nil }
            let range = state.next..<min(state.next + length, count)
            state.next = range.upperBound
            return range
        }
    }

    /// Runs `body` on some threads, each of which takes numbers until none are left.
    ///
    /// - Parameters:
    ///   - threads: how many; no more than there is work for.
    ///   - count: how many numbers there are.
    ///   - length: how many of them a thread takes at once.
    ///   - progress: called by this thread with the count of numbers done.
    ///   - body: what a thread does.
    /// - Returns: the results of the threads, in any order.
    /// - Throws: `DataError` if a thread cannot be started.
    static func onThreads<Result: Sendable>(
        _ threads: Int, count: Int, length: Int, progress: (Int) -> Void = { _ in },
        _ body: @escaping @Sendable (Chunks) -> Result
    ) throws -> [Result] {
        let chunks = Chunks(count, length: length)
        let results = Monitor([Result]())
        var workers: [WorkerThread] = []
        defer { for worker in workers { worker.join() } }
        for _ in 0..<max(1, min(threads, (count + length - 1) / length)) {
            chunks.state.withLock { $0.running += 1 }
            do {
                workers.append(
                    try WorkerThread {
                        let result = body(chunks)
                        results.withLock { $0.append(result) }
                        chunks.state.change { $0.running -= 1 }
                    })
            } catch {
                chunks.state.withLock { $0.next = chunks.count }
                throw error
            }
        }
        var shown = 0
        while true {
            let (done, isFinished) = chunks.state.wait { state -> (Int, Bool)? in
                state.running == 0 || state.done > shown ? (state.done, state.running == 0) : nil
            }
            if done > shown { progress(done) }
            shown = done
            if isFinished { break }
        }
        return results.withLock { $0 }
    }
}
