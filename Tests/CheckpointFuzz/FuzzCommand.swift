import ArgumentParser
import CFuzzing
import CheckpointCorpus
import Foundation
import Synchronization
import TensorFiles

/// Reads damaged and hostile files until the count or the time is reached.
@main
struct FuzzCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint-fuzz",
        abstract: "Read damaged and hostile checkpoints; end with status 1 at the first fault.",
        discussion: """
            Input n is a function of the seed and n alone: --start n --inputs 1 reads one again. A \
            crash, an input that takes too long and one that allocates too much are faults.
            """)

    @Option(help: "How many inputs to read.")
    var inputs: UInt64 = 10_000_000

    @Option(help: "The first input.")
    var start: UInt64 = 0

    @Option(help: "Another seed gives other inputs.")
    var seed: UInt64 = 0

    @Option(help: "End after so many seconds, whatever was read.")
    var seconds: Double?

    @Option(help: "Threads that read.")
    var workers = 2

    @Option(help: "A folder whose files below 64 KiB are damaged too.")
    var recorded: String?

    @Option(help: "Seconds of processor time that an input may take.")
    var timeLimit = 2.0

    @Option(help: "MiB that reading an input may allocate, beside 2 KiB for each of its bytes.")
    var memoryLimit = 24

    @Option(help: "Write the first input to this file instead of reading any.")
    var write: String?

    func validate() throws {
        guard (1...Int(fuzzing_worker_limit)).contains(workers) else {
            throw ValidationError("--workers is \(workers), expected 1 to \(fuzzing_worker_limit)")
        }
    }

    func run() throws {
        let source = FuzzInputs(seed: seed, recorded: try recordedFiles())
        if let write {
            try Data(source.bytes(start)).write(to: URL(fileURLWithPath: write))
            return
        }
        fuzzing_watch(timeLimit)
        let clock = ContinuousClock()
        let begin = clock.now
        let tallies = Mutex(FuzzTally())
        let next = Atomic(start)
        let isFaulty = Atomic(false)
        DispatchQueue.concurrentPerform(iterations: workers) { worker in
            fuzzing_prepare_thread()
            while !isFaulty.load(ordering: .relaxed) {
                let block: UInt64 = 1000
                let first = next.add(block, ordering: .relaxed).oldValue
                let elapsed = (clock.now - begin) / .seconds(1)
                guard first < start + inputs, elapsed < seconds ?? .infinity else { break }
                var tally = FuzzTally()
                for number in first..<min(first + block, start + inputs) {
                    tally.read(number, source.bytes(number), worker: worker)
                }
                let found = tally.fault(memoryLimit: memoryLimit << 20)
                if found { isFaulty.store(true, ordering: .relaxed) }
                tallies.withLock { all in
                    all.merge(tally)
                    let millions = all.count / 1_000_000
                    if millions > (all.count - tally.count) / 1_000_000 {
                        let rate = Double(all.count) / elapsed
                        print("\(millions) million inputs, \(Int(rate)) a second")
                        fflush(nil)
                    }
                }
            }
        }
        let elapsed = (clock.now - begin) / .seconds(1)
        let tally = tallies.withLock { $0 }
        print(tally.summary(seconds: elapsed))
        if isFaulty.load(ordering: .relaxed) { throw ExitCode(1) }
    }

    private func recordedFiles() throws -> [[UInt8]] {
        guard let recorded else { return [] }
        let endings = ["pth", "pt", "tar", "ckpt", "npy", "safetensors", "pkl", "pyth"]
        let names = try FileManager.default.subpathsOfDirectory(atPath: recorded).sorted()
        let files = try names.filter { name in
            endings.contains(URL(fileURLWithPath: name).pathExtension)
        }.map { try Data(contentsOf: URL(fileURLWithPath: "\(recorded)/\($0)")) }
            .filter { $0.count <= 1 << 16 }.map { [UInt8]($0) }
        guard !files.isEmpty else {
            throw ValidationError("--recorded \(recorded) has no checkpoint below 64 KiB")
        }
        return files
    }
}
