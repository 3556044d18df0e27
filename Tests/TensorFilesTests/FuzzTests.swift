import CheckpointCorpus
import Foundation
import TensorFiles
import Testing

/// Reads the first inputs of `checkpoint-fuzz`, which is the program for many.
@Suite("Fuzzing") struct FuzzTests {
    static let environment = ProcessInfo.processInfo.environment
    /// `TESSERA_FUZZ_INPUTS` sets how many.
    static let count = UInt64(environment["TESSERA_FUZZ_INPUTS"] ?? "") ?? 6000

    @Test("damaged files are read or refused, quickly", arguments: [UInt64(0), 1])
    func damaged(half: UInt64) throws {
        let inputs = FuzzInputs()
        let clock = ContinuousClock()
        var slowest = Duration.zero
        var refused: UInt64 = 0
        for number in 0..<Self.count / 2 {
            let bytes = inputs.bytes(number * 2 + half)
            let begin = clock.now
            do throws(TensorFileError) {
                try Exploration.explore(bytes)
            } catch {
                refused += 1
                #expect(error.file == "case", "input \(number * 2 + half): \(error)")
            }
            slowest = max(slowest, clock.now - begin)
        }
        // A damaged file of a few kilobytes takes far less; this finds endless loops.
        #expect(slowest < .seconds(5))
        #expect(refused > 0 && refused < Self.count / 2, "the inputs are of no use")
    }

    @Test("an input is a function of seed and number") func repeatable() {
        let inputs = FuzzInputs(seed: 3)
        for number: UInt64 in 0..<50 {
            #expect(inputs.bytes(number) == FuzzInputs(seed: 3).bytes(number))
        }
        #expect((0..<50).contains { inputs.bytes($0) != FuzzInputs(seed: 4).bytes($0) })
    }
}
