import Testing
import Torch

@Suite("Differentiation") struct AutogradTests {
    @Test("backward gives the analytic derivative")
    func analytic() {
        let x = Tensor([1.0, 2.0, 3.0] as [Float]).requiringGrad()
        (x * x * 2.0).sum().backward()
        #expect(x.gradient?.values() == [4, 8, 12] as [Float])
    }

    @Test("noGrad records nothing and restores the mode")
    func noGradRecordsNothing() {
        let x = Tensor([1.0] as [Float]).requiringGrad()
        #expect(!noGrad { x * 2.0 }.requiresGrad)
        #expect((x * 2.0).requiresGrad)
    }

    @Test("gradients(of:) leaves the collected gradient alone")
    func functional() {
        let x = Tensor([3.0] as [Float]).requiringGrad()
        let unused = Tensor([1.0] as [Float]).requiringGrad()
        let found = gradients(of: x.squared().sum(), withRespectTo: [x, unused])
        #expect(found[0]?.item == 6)
        #expect(found[1] == nil)
        #expect(x.gradient == nil)
    }

    @Test("a checkpointed stage has the gradients of the plain one", arguments: [false, true])
    func checkpoint(inside checkpoint: Bool) {
        let generator = Generator(seed: 3)
        let x = Tensor.normal([4, 6], generator: generator).requiringGrad()
        let weight = Tensor.normal([5, 6], generator: generator).requiringGrad()
        let stage = { (inputs: [Tensor]) in inputs[0].linear(weight, nil).tanh() }
        let plain = gradients(of: stage([x]).sum(), withRespectTo: [x, weight])
        let y = checkpoint ? checkpointed([x], stage) : stage([x])
        y.sum().backward()
        for (found, expected) in [(x.gradient, plain[0]), (weight.gradient, plain[1])] {
            guard let found, let expected else {
                Issue.record("a gradient is missing")
                continue
            }
            #expect(found.isEqual(to: expected))
        }
    }

    @Test(
        "oneDNN's linear layer equals the BLAS one, forward and backward", arguments: [true, false])
    func oneDNNLinear(bias hasBias: Bool) {
        let generator = Generator(seed: 1)
        let x = Tensor.normal([3, 7, 40], generator: generator).requiringGrad()
        let weight = Tensor.normal([24, 40], generator: generator).requiringGrad()
        let bias = hasBias ? Tensor.normal([24], generator: generator).requiringGrad() : nil
        let cotangent = Tensor.normal([3, 7, 24], generator: generator)
        let inputs = [x, weight] + (bias.map { [$0] } ?? [])
        func run(_ linear: (Tensor) -> Tensor) -> [Tensor] {
            let y = linear(x)
            return [y]
                + gradients(of: (y * cotangent).sum(), withRespectTo: inputs).compactMap { $0 }
        }
        let expected = run { ($0.matmul(weight.transposed())) + (bias ?? Tensor.zeros([24])) }
        let found = run { $0.oneDNNLinear(weight, bias) }
        #expect(found.count == expected.count)
        for (a, b) in zip(found, expected) {
            #expect((a - b).abs().max().item < 2e-5)
        }
    }
}
