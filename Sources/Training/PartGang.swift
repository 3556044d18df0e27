import Data
import Foundation
import Torch

/// Threads that compute parts of a step at the same time.
///
/// Operators of a small model are over before a second thread has joined in: split among two threads
/// they take as long as on one, while two halves of a batch on a thread each take two thirds to four
/// fifths of the time.
///
/// Results come in the order of the parts. With fewer threads than parts, or on a GPU, one part follows
/// another; the numbers are the same, for each part draws from a generator of its own.
final class PartGang {
    private let size: Int
    private let seed: UInt64
    private let workers: [PartWorker]

    init(_ run: RunSettings, on device: Device) {
        (size, seed) = (run.parallel, run.seed)
        let threads = (run.threads ?? 1) / run.parallel
        workers =
            device == .cpu && threads > 0
            ? (0..<run.parallel).map { _ in PartWorker(threads: threads) } : []
    }

    /// Computes all parts, and collects what has become of them, in their order, on this thread.
    func map<Part, Computed, Made>(
        _ parts: [Part], at step: Step, _ compute: @escaping (Part) -> Computed,
        collecting: (Computed) -> Made
    ) -> [Made] {
        stride(from: 0, to: parts.count, by: size).flatMap { start -> [Made] in
            let jobs = (start..<min(start + size, parts.count)).map { index in
                {
                    Generator.$scoped.withValue(self.generator(of: index, at: step)) {
                        compute(parts[index])
                    }
                }
            }
            return run(jobs).map(collecting)
        }
    }

    private func run<Computed>(_ jobs: [() -> Computed]) -> [Computed] {
        guard !workers.isEmpty else { return jobs.map { $0() } }
        let tasks = zip(workers, jobs).map { worker, job in worker.begin(job) }
        return tasks.map { $0.wait() }
    }

    private func generator(of part: Int, at step: Step) -> Generator {
        var random = CounterRandom(
            seed: seed, purpose: .dropPath, epoch: step.index, sample: part)
        return Generator(seed: random.next())
    }
}

/// A thread that does one job after another.
private final class PartWorker {
    private let mailbox = Mailbox()

    /// - Parameter threads: of one operator.
    init(threads: Int) {
        let mailbox = mailbox
        let thread = Thread {
            // Both are settings of the thread that makes them.
            TorchSettings.threadCount = threads
            TorchSettings.flushDenormals(true)
            while let job = mailbox.next() { job() }
        }
        thread.stackSize = 16 << 20
        thread.start()
    }

    deinit { mailbox.put(nil) }

    func begin<Result>(_ job: @escaping () -> Result) -> Pending<Result> {
        let pending = Pending<Result>()
        mailbox.put { pending.finish(job()) }
        return pending
    }

    /// A result that another thread is still making.
    final class Pending<Result>: @unchecked Sendable {
        // Unchecked: written before the signal, read after it.
        private var result: Result?
        private let isDone = DispatchSemaphore(value: 0)

        func finish(_ result: Result) {
            self.result = result
            isDone.signal()
        }

        func wait() -> Result {
            isDone.wait()
            guard let result else { fatalError("a part that was computed has no result") }
            return result
        }
    }

    /// Where the next job waits for the thread.
    private final class Mailbox: @unchecked Sendable {
        // Unchecked: written before the signal, read after it, and only then written again.
        private var job: (() -> Void)?
        private let isFull = DispatchSemaphore(value: 0)

        /// nil ends the thread.
        func put(_ job: (() -> Void)?) {
            self.job = job
            isFull.signal()
        }

        func next() -> (() -> Void)? {
            isFull.wait()
            // What a job holds on to is let go with it.
            defer { job = nil }
            return job
        }
    }
}
