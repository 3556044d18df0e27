import Glibc

/// State that threads share under one lock, and a way to wait until it changes.
///
/// `@unchecked Sendable`: the state is reached through `withLock` and `wait` alone, which hold the
/// lock. (Swift's `Mutex` has no condition to wait for.)
final class Monitor<State>: @unchecked Sendable {
    private var state: State
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init(_ state: sending State) {
        self.state = state
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Changes the state and wakes all that wait.
    func change<Result>(_ body: (inout State) -> Result) -> Result {
        withLock { state in
            defer { pthread_cond_broadcast(changed) }
            return body(&state)
        }
    }

    /// Calls `body` now, after every change and at least every half second until it returns
    /// something.
    func wait<Result>(_ body: (inout State) -> Result?) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            time.tv_nsec += 500_000_000
            if time.tv_nsec >= 1_000_000_000 {
                (time.tv_sec, time.tv_nsec) = (time.tv_sec + 1, time.tv_nsec - 1_000_000_000)
            }
            pthread_cond_timedwait(changed, mutex, &time)
        }
    }
}
