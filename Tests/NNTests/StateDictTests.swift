import NN
import TestSupport
import Testing
import Torch

@Suite("Loading a state dict") struct StateDictTests {
    private let model = Sequential(
        Linear(2, 3, generator: nil), Activation { $0.relu() }, Linear(3, 1, generator: nil))

    private func values() -> [[Float]] { model.stateDict.map { $0.tensor.values() } }

    private func fitting() -> [String: Tensor] {
        Dictionary(
            uniqueKeysWithValues: model.stateDict.map { ($0.name, .full($0.tensor.shape, 2)) })
    }

    @Test("fills the module's own tensors, which stay the same objects")
    func complete() throws {
        let before = model.parameters
        let report = try model.load(fitting())
        #expect(report.isComplete && report.loadedCount == 4)
        for (old, new) in zip(before, model.parameters) {
            #expect(old.isIdentical(to: new) && new.requiresGrad)
            expect(new.detached(), closeTo: .full(new.shape, 2))
        }
    }

    @Test("what is missing, unexpected or misshapen is reported, and nothing is changed")
    func strict() throws {
        var tensors = fitting()
        tensors["0.bias"] = nil
        tensors["2.weight"] = .zeros([3, 1])
        tensors["3.weight"] = .zeros([1])
        let before = values()
        let error = #expect(throws: LoadError.self) { try model.load(tensors) }
        #expect(values() == before)
        #expect(error?.report.missing == ["0.bias"])
        #expect(error?.report.unexpected == ["3.weight"])
        #expect(error?.report.mismatched.map(\.name) == ["2.weight"])
        let text = "\(try #require(error))"
        #expect(text.contains("1 missing: 0.bias"))
        #expect(text.contains("1 unexpected: 3.weight"))
        #expect(text.contains("2.weight has shape [3, 1], the model needs [1, 3]"))
    }

    @Test("without strictness what fits is loaded")
    func lenient() throws {
        var tensors = fitting()
        tensors["2.weight"] = .zeros([3, 1])
        let before = values()
        let report = try model.load(tensors, strict: false)
        #expect(report.loadedCount == 3 && !report.isComplete)
        #expect(values()[2] == before[2])
        #expect(values()[0] == [Float](repeating: 2, count: 6))
    }

    @Test("other types are converted")
    func conversion() throws {
        try model.load(fitting().mapValues { $0.to(dtype: .float64) })
        #expect(model.parameters.allSatisfy { $0.dtype == .float32 })
        #expect(values()[3] == [2])
    }

    @Test("the same names come out as went in, in PyTorch's order")
    func names() {
        #expect(model.stateDict.map(\.name) == ["0.weight", "0.bias", "2.weight", "2.bias"])
    }
}
