import Testing

@testable import CheckpointCorpus
@testable import TensorFiles

/// Each form of hostile file is refused for its own reason, or shown as what it asks for.
///
/// That nothing of it is executed needs no test: there is no code that could.
@Suite("Hostile forms") struct HostileFormTests {
    @Test("are refused with the reason, or inert", arguments: HostileForm.all.indices)
    func outcome(index: Int) throws {
        let form = HostileForm.all[index]
        let clock = ContinuousClock()
        let begin = clock.now
        switch form.outcome {
        case .refused(let kind, let problem):
            let error = try #require(Self.error { _ = try Self.open(form) }, "\(form.name) opens")
            #expect(error.kind == kind, "\(form.name): \(error)")
            #expect("\(error)".hasPrefix("case.pth: "), "\(form.name): \(error)")
            #expect("\(error)".contains(problem), "\(form.name): \(error)")
            #expect(error.remedy?.isEmpty == false || error.place != nil, "\(form.name): \(error)")
        case .record(let text):
            guard case .pyTorch(let file) = try Self.open(form) else {
                Issue.record("\(form.name) is no file of PyTorch")
                return
            }
            #expect("\(file.root)".contains(text), "\(form.name): \(file.root)")
            #expect(try file.tensors().isEmpty, "\(form.name)")
        case .refusedTensor(let reason):
            let file = try Self.open(form)
            let refused = try file.scan().refused
            #expect(refused.contains { $0.reason.contains(reason) }, "\(form.name): \(refused)")
            let error = try #require(Self.error { _ = try file.tensors() }, "\(form.name) is read")
            #expect(error.kind == .unsupported && "\(error)".contains(reason), "\(form.name)")
        case .refusedWalk(let reason):
            let file = try Self.open(form)
            let error = try #require(Self.error { _ = try file.tensors() }, "\(form.name) is read")
            #expect(error.kind == .limit && "\(error)".contains(reason), "\(form.name): \(error)")
        case .tensors(let count):
            let tensors = try Self.open(form).tensors()
            #expect(tensors.count == count, "\(form.name)")
            for (_, tensor) in tensors { #expect(tensor.doubles().count == tensor.count) }
        }
        #expect(clock.now - begin < .seconds(20), "\(form.name) takes long")
    }

    @Test("are many, each with its own name") func count() {
        #expect(HostileForm.all.count >= 200)
        #expect(Set(HostileForm.all.map(\.name)).count == HostileForm.all.count)
    }

    @Test(
        "are no longer hostile with the limits raised",
        arguments: [
            "a thousand objects that share a large state", "more tensors than names",
            "a list that is nearly pairs, again and again",
        ])
    func limits(name: String) throws {
        var form = try #require(HostileForm.all.first { $0.name == name })
        form.limits = PickleLimits()
        _ = try Self.open(form).tensors()
    }

    private static func open(_ form: HostileForm) throws(TensorFileError) -> CheckpointFile {
        try CheckpointFile(
            path: "case.pth", contents: ByteSlice(copying: form.bytes), limits: form.limits)
    }

    private static func error(_ body: () throws -> Void) -> TensorFileError? {
        do {
            try body()
            return nil
        } catch { return error as? TensorFileError }
    }
}
