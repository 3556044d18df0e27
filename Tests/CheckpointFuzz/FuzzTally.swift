import CFuzzing
import CheckpointCorpus
import TensorFiles

/// What became of inputs, and which of them took most.
struct FuzzTally {
    private(set) var count = 0
    private var refused: [String: Int] = [:]
    private var readForms: [String: Int] = [:]
    private var tensorCount = 0
    private var slowest = (seconds: 0.0, number: UInt64(0))
    private var largest = (bytes: Int64(-1), size: 0, number: UInt64(0))
    /// The most beyond 2 KiB for each byte of the input.
    private var excess = (bytes: Int64.min, number: UInt64(0))
    private var wrongFile: UInt64?

    mutating func read(_ number: UInt64, _ bytes: [UInt8], worker: Int) {
        fuzzing_begin(Int32(worker), number)
        do throws(TensorFileError) {
            let finding = try Exploration.explore(bytes)
            fuzzing_end(Int32(worker))
            readForms[finding.form, default: 0] += 1
            tensorCount += finding.tensorCount
        } catch {
            fuzzing_end(Int32(worker))
            refused["\(error.kind)", default: 0] += 1
            if error.file != "case" || error.problem.isEmpty { wrongFile = number }
        }
        let seconds = fuzzing_seconds()
        let peak = fuzzing_peak_bytes()
        count += 1
        if seconds > slowest.seconds { slowest = (seconds, number) }
        if peak > largest.bytes { largest = (peak, bytes.count, number) }
        let beyond = peak - 2048 * Int64(bytes.count)
        if beyond > excess.bytes { excess = (beyond, number) }
    }

    mutating func merge(_ other: FuzzTally) {
        count += other.count
        refused.merge(other.refused, uniquingKeysWith: +)
        readForms.merge(other.readForms, uniquingKeysWith: +)
        tensorCount += other.tensorCount
        if other.slowest.seconds > slowest.seconds { slowest = other.slowest }
        if other.largest.bytes > largest.bytes { largest = other.largest }
        if other.excess.bytes > excess.bytes { excess = other.excess }
        wrongFile = wrongFile ?? other.wrongFile
    }

    /// Says what is wrong, if something is.
    func fault(memoryLimit: Int) -> Bool {
        if let wrongFile {
            print("input \(wrongFile) is refused without the file or the reason")
            return true
        }
        if excess.bytes > Int64(memoryLimit) {
            print("input \(excess.number) allocates too much")
            return true
        }
        return false
    }

    func summary(seconds: Double) -> String {
        func list(_ counts: [String: Int]) -> String {
            counts.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }
                .joined(separator: ", ")
        }
        let refusals = refused.values.reduce(0, +)
        let memory =
            largest.bytes < 0
            ? "not counted"
            : "\(largest.bytes) bytes for an input of \(largest.size) (\(largest.number))"
        return """
            \(count) inputs in \(Int(seconds)) s, \(Int(Double(count) / seconds)) a second
            read: \(count - refusals) (\(list(readForms))), \(tensorCount) tensors
            refused: \(refusals) (\(list(refused)))
            slowest: \(slowest.seconds) s (\(slowest.number))
            most memory: \(memory)
            """
    }
}
