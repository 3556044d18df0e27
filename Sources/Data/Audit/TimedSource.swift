import Imaging

/// A source whose pictures count as unreadable when they are not there in time.
///
/// A read from a disk that is gone never ends and cannot be broken off. So other threads read, and
/// who waits too long goes on without: the thread is given up, and ends if the disk comes back.
final class TimedSource: ImageSource {
    private let source: any ImageSource
    /// Nil for any time.
    private let timeout: Duration?
    private let state = Monitor(State())

    private struct State {
        /// Readers that wait for work.
        var idle: [Reader] = []
        /// Pictures that were not there in time; nobody waits for them again.
        var hanging: Set<Int> = []
        /// Whether the source keeps its pictures as pixels, in memory, which nothing delays.
        var isInMemory = false
    }

    init(_ source: any ImageSource, timeout: Duration?) {
        (self.source, self.timeout) = (source, timeout)
    }

    deinit { for reader in state.withLock({ $0.idle }) { reader.stop() } }

    var count: Int { source.count }
    var classNames: [String] { source.classNames }
    var fingerprint: String { source.fingerprint }
    var parts: [SourcePart] { source.parts }
    var notes: [String] { source.notes }
    func label(at index: Int) -> Int? { source.label(at: index) }
    func name(at index: Int) -> String { source.name(at: index) }

    func load(_ index: Int, into picture: inout StoredPicture) throws {
        guard let timeout, !state.withLock({ $0.isInMemory }) else {
            return try source.load(index, into: &picture)
        }
        let (isHanging, idle) = state.withLock { state in
            (state.hanging.contains(index), state.idle.popLast())
        }
        guard !isHanging else { throw late(index, timeout) }
        let reader = try idle ?? Reader(source)
        guard let result = reader.read(index, &picture, within: timeout) else {
            reader.abandon()
            state.withLock { _ = $0.hanging.insert(index) }
            throw late(index, timeout)
        }
        state.withLock { state in
            state.idle.append(reader)
            if case .success(let picture) = result { state.isInMemory = picture.form == .decoded }
        }
        picture = try result.get()
    }

    private func late(_ index: Int, _ timeout: Duration) -> ImageError {
        ImageError(
            .unreadable, name: name(at: index), reason: "was not there after \(timeout)")
    }
}

/// A thread that loads one picture after another for those who cannot wait for ever.
private final class Reader: Sendable {
    private struct Job {
        let index: Int
        var picture: StoredPicture
    }

    private enum State {
        case idle
        case wanted(Job)
        case reading
        case done(Result<StoredPicture, any Error>)
        /// The thread is to end.
        case stopped
    }
    private let state: Monitor<State>
    private let thread: WorkerThread

    init(_ source: any ImageSource) throws {
        let state = Monitor(State.idle)
        self.state = state
        thread = try WorkerThread {
            while var job = Reader.next(state) {
                let result = Result { () throws -> StoredPicture in
                    try source.load(job.index, into: &job.picture)
                    return job.picture
                }
                let isWanted = state.change { state -> Bool in
                    guard case .reading = state else { return false }
                    state = .done(result)
                    return true
                }
                if !isWanted { return }
            }
        }
    }

    private static func next(_ state: Monitor<State>) -> Job? {
        state.wait { state -> Job?? in
            switch state {
            case .wanted(let job):
                state = .reading
                return .some(job)
            case .stopped: return .some(nil)
            default: return nil
            }
        }
    }

    /// The picture, in the memory of the one that is lent; nil if it is not there in time.
    func read(_ index: Int, _ lent: inout StoredPicture, within timeout: Duration) -> Result<
        StoredPicture, any Error
    >? {
        state.change { $0 = .wanted(Job(index: index, picture: lent)) }
        lent = StoredPicture()
        let start = ContinuousClock.now
        return state.wait { state -> Result<StoredPicture, any Error>?? in
            if case .done(let result) = state {
                state = .idle
                return .some(result)
            }
            return ContinuousClock.now - start > timeout ? .some(nil) : nil
        }
    }

    /// Ends the thread, which has nothing to do.
    func stop() {
        state.change { $0 = .stopped }
        thread.join()
    }

    /// Lets the thread end when its read does.
    func abandon() {
        state.change { $0 = .stopped }
        thread.abandon()
    }
}
