import NN
import TensorFiles
import TestSupport
import Testing
import Torch

@Suite("Loading from a file") struct FileLoadingTests {
    /// Larger than a piece of a copy, so that several are made; the last one is short.
    private static let inputs = 3_000_001

    private func model() -> Sequential {
        Init.leavingOut {
            Sequential(
                Linear(Self.inputs, 1, generator: nil), Linear(2, 3, bias: false, generator: nil))
        }
    }

    private func records() -> [String: TensorRecord] {
        func record(_ shape: [Int]) -> TensorRecord {
            let values = (0..<shape.reduce(1, *)).map { Float($0 % 1021) }
            let bytes = values.withUnsafeBytes { ByteSlice(copying: $0) }
            guard let record = TensorRecord(.float32, shape: shape, contiguous: bytes) else {
                fatalError("the shape does not fit its bytes")
            }
            return record
        }
        return [
            "0.weight": record([1, Self.inputs]), "0.bias": record([1]),
            "1.weight": record([3, 2]),
        ]
    }

    @Test("every element is at its place") func pieces() throws {
        let model = model()
        let before = model.parameters
        let report = try model.load(records())
        #expect(report.isComplete && report.loadedCount == 3)
        #expect(zip(before, model.parameters).allSatisfy { $0.isIdentical(to: $1) })
        let weight: [Float] = model.parameters[0].detached().values()
        #expect(weight.indices.allSatisfy { weight[$0] == Float($0 % 1021) })
        #expect(model.parameters[2].detached().values() == [0, 1, 2, 3, 4, 5] as [Float])
        #expect(model.parameters.allSatisfy { $0.requiresGrad })
    }

    @Test("other types are converted") func conversion() throws {
        var records = records()
        let halves: [Float16] = [1, 2, 3, 4, 5, 6]
        records["1.weight"] = halves.withUnsafeBytes {
            TensorRecord(.float16, shape: [3, 2], contiguous: ByteSlice(copying: $0))
        }
        let model = model()
        try model.load(records)
        #expect(model.parameters[2].detached().values() == [1, 2, 3, 4, 5, 6] as [Float])
    }

    @Test("what does not fit is an error that names the file, and nothing is changed")
    func strict() throws {
        let model = model()
        try model.load(records())
        var wrong = records()
        wrong["1.weight"] = nil
        let floats = [Float](repeating: 7, count: 1)
        wrong["0.bias"] = floats.withUnsafeBytes {
            TensorRecord(.float32, shape: [1], contiguous: ByteSlice(copying: $0))
        }
        let error = #expect(throws: LoadError.self) { try model.load(wrong, from: "x.pth") }
        #expect("\(try #require(error))".contains("x.pth does not fit the model"))
        #expect(model.parameters[1].detached().values() == [0] as [Float])
    }

    @Test("without starting values nothing is drawn; outside of it everything is as before")
    func leavingOut() {
        let generator = Generator(seed: 5)
        let first = Linear(4, 4, generator: generator).weight.detached().values() as [Float]
        let again = Generator(seed: 5)
        Init.leavingOut { _ = Linear(4, 4, generator: again) }
        let second = Linear(4, 4, generator: again).weight.detached().values() as [Float]
        #expect(first == second)
    }
}
