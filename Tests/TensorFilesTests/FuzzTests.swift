import Foundation
import Testing

@testable import TensorFiles

/// Reads damaged files for a few seconds; `TESSERA_FUZZ_SECONDS` sets how many.
///
/// Input number n is a function of n alone. `TESSERA_FUZZ_START` starts at another number, and a
/// long run prints where it is, so that a crash can be found again.
@Suite("Fuzzing") struct FuzzTests {
    static let environment = ProcessInfo.processInfo.environment
    static let seconds = Double(environment["TESSERA_FUZZ_SECONDS"] ?? "") ?? 1.5
    static let start = UInt64(environment["TESSERA_FUZZ_START"] ?? "") ?? 0
    static let isLong = environment["TESSERA_FUZZ_SECONDS"] != nil

    @Test("damaged files are read or refused, quickly", arguments: [UInt64(0), 1])
    func damaged(half: UInt64) throws {
        let begin = Date()
        var number = Self.start * 2 + half
        var slowest = 0.0
        var refused = 0
        var count = 0
        while Date().timeIntervalSince(begin) < Self.seconds {
            let before = Date()
            do throws(TensorFileError) {
                try HostileFileTests.explore(Self.input(number))
            } catch {
                refused += 1
                if error.file != "case" { Issue.record("input \(number): \(error)") }
            }
            slowest = max(slowest, Date().timeIntervalSince(before))
            count += 1
            number += 2
            if Self.isLong, count % 20_000 == 0 {
                print("fuzz \(half): \(count) inputs, next \(number / 2), \(refused) refused")
            }
        }
        print("fuzz \(half): \(count) inputs, \(refused) refused, slowest \(slowest) s")
        // A damaged file of a few kilobytes takes far less; this finds endless loops.
        #expect(slowest < 5, "an input took \(slowest) s")
        #expect(count > 0 && refused < count, "every input was refused: the corpus is of no use")
    }

    static let corpus: [[UInt8]] =
        HostileFileTests.whole.map(\.1)
        + PickleMachineTests.programs.map { $0.0.unicodeScalars.map { UInt8($0.value) } }
        + HostileFileTests.attacks.map { $0.unicodeScalars.map { UInt8($0.value) } }

    /// Programs that are put into an honest archive after they were damaged.
    static let programs: [[UInt8]] =
        [Fixture.object(), Fixture.object(legacy: true)]
        + PickleMachineTests.programs.map { $0.0.unicodeScalars.map { UInt8($0.value) } }

    static func input(_ number: UInt64) -> [UInt8] {
        var random = Repeatable(state: number &* 0x2545_F491_4F6C_DD1D)
        // Half the time the pickle is damaged and the archive around it is sound: else its
        // checksum would refuse everything.
        if Bool.random(using: &random) {
            let program = mutated(programs, &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: return Fixture.zip(program)
            case 1: return Fixture.legacy(program)
            default: return program
            }
        }
        return mutated(corpus, &random)
    }

    /// One to eight damages of one of the sources, often few.
    static func mutated(_ sources: [[UInt8]], _ random: inout Repeatable) -> [UInt8] {
        var bytes = sources[Int.random(in: 0..<sources.count, using: &random)]
        let most = Int.random(in: 1...8, using: &random)
        for _ in 0..<Int.random(in: 1...most, using: &random) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            let length = min(Int.random(in: 1...16, using: &random), bytes.count - at)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes.removeSubrange(at..<at + length)
            case 3: bytes.insert(contentsOf: bytes[at..<at + length], at: at)
            case 4: bytes.removeLast(min(bytes.count - at, 64))
            case 5:
                // Another file's piece.
                let other = sources[Int.random(in: 0..<sources.count, using: &random)]
                let from = Int.random(in: 0..<max(other.count, 1), using: &random)
                bytes.insert(contentsOf: other[from...].prefix(32), at: at)
            case 6:
                // Sizes that overflow something.
                let size: UInt64 = [0, 1, .max, 1 << 31, 1 << 32, 1 << 62, 1 << 63, 0x7FFF_FFFF][
                    Int.random(in: 0..<8, using: &random)]
                let field = withUnsafeBytes(of: size.littleEndian) { Array($0.prefix(length)) }
                bytes.replaceSubrange(at..<min(at + field.count, bytes.count), with: field)
            default:
                // An opcode.
                let opcodes =
                    Array("(.012FIJKLMNPQRSTUVX]abcdeghijlopqrstu}GBC)".utf8)
                    + (0x80...0x98).map { UInt8($0) }
                bytes.insert(opcodes[Int.random(in: 0..<opcodes.count, using: &random)], at: at)
            }
        }
        return bytes
    }
}
