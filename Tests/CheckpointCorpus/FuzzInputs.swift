/// The inputs of the fuzzer by number; each is a function of the seed and its number alone.
package struct FuzzInputs: Sendable {
    private let seed: UInt64
    /// Whole files that other programs wrote, small ones.
    private let recorded: [[UInt8]]

    package init(seed: UInt64 = 0, recorded: [[UInt8]] = []) {
        self.seed = seed
        self.recorded = recorded
    }

    private static let files: [[UInt8]] =
        Samples.whole.map(\.1) + PicklePrograms.values.map { PicklePrograms.bytes($0.program) }
        + PicklePrograms.attacks.map(PicklePrograms.bytes)
        + HostileForm.all.map(\.bytes).filter { $0.count < 1 << 14 }

    /// Programs that are put into an honest archive after they were damaged.
    private static let programs: [[UInt8]] =
        [Fixture.object(), Fixture.object(legacy: true)]
        + PicklePrograms.values.map { PicklePrograms.bytes($0.program) }

    package func bytes(_ number: UInt64) -> [UInt8] {
        var random = Repeatable(
            state: (number &+ seed &* 0x9E37_79B9_7F4A_7C15) &* 0x2545_F491_4F6C_DD1D)
        switch Int.random(in: 0..<20, using: &random) {
        // Damaged pickles in sound archives: else a checksum would refuse everything.
        case 0...4: return wrapped(Mutation.mutated(Self.programs, &random), &random)
        case 5...10:
            let length = Int.random(in: 1...40, using: &random)
            return wrapped(RandomPickle.program(length, &random), &random)
        case 11...13: return Mutation.mutated(Self.files, &random)
        case 14: return FileLies.zip(&random)
        case 15: return FileLies.tar(&random)
        case 16: return FileLies.safeTensors(&random)
        case 17: return FileLies.numpy(&random)
        case 18: return FileLies.legacy(&random)
        default:
            guard !recorded.isEmpty else { return Mutation.mutated(Self.files, &random) }
            let source = recorded[Int.random(in: 0..<recorded.count, using: &random)]
            let bytes = Mutation.patched(source, &random)
            return Bool.random(using: &random) ? ZipBytes.withTrueChecksums(bytes) : bytes
        }
    }

    private func wrapped(_ program: [UInt8], _ random: inout Repeatable) -> [UInt8] {
        switch Int.random(in: 0..<4, using: &random) {
        case 0, 1: Fixture.zip(program)
        case 2: Fixture.legacy(program)
        default: program
        }
    }
}
