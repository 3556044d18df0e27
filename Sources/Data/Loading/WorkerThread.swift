import Glibc

/// A thread of the operating system that runs one function and can be joined.
///
/// Decoding would block the few threads that Swift's tasks share.
final class WorkerThread: Sendable {
    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    private let thread: pthread_t

    init(_ body: @escaping @Sendable () -> Void) throws {
        let work = Unmanaged.passRetained(Work(body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                if let argument {
                    Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                }
                return nil
            }, work.toOpaque())
        guard code == 0 else {
            work.release()
            throw DataError(
                .unreadable, "loader", "cannot start a thread: \(String(cString: strerror(code)))",
                remedy: "lower the number of loader threads")
        }
        self.thread = thread
    }

    /// Waits for the end of the thread; once.
    func join() { pthread_join(thread, nil) }

    /// Lets the thread end when it will, instead of joining it.
    func abandon() { pthread_detach(thread) }
}
