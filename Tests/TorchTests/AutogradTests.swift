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

    @Test("noGrad nests, and an error leaves it, too")
    func noGradNests() {
        struct Stop: Error {}
        let x = Tensor([1.0] as [Float]).requiringGrad()
        noGrad {
            #expect(!noGrad { x * 2.0 }.requiresGrad)
            #expect(!(x * 2.0).requiresGrad)
        }
        #expect(throws: Stop.self) { try noGrad { throw Stop() } }
        #expect((x * 2.0).requiresGrad)
    }

    @Test("gradients add up over backward passes until they are taken away")
    func accumulation() {
        let x = Tensor([1.0, 2.0]).requiringGrad()
        let y = x.squared()
        y.backward(Tensor([1.0, 10.0]), retainGraph: true)
        #expect(x.gradient?.values() == [2.0, 40.0])
        y.backward(Tensor([1.0, 0.0]))
        #expect(x.gradient?.values() == [4.0, 40.0])
        x.gradient = Tensor([5.0, 5.0])
        #expect(x.gradient?.values() == [5.0, 5.0])
        x.gradient = nil
        #expect(x.gradient == nil)
        #expect(!x.detached().requiresGrad && !x.requiringGrad(false).requiresGrad)
    }

    @Test("a derivative can be differentiated again")
    func second() {
        let x = Tensor([3.0]).requiringGrad()
        let first = gradients(of: x.pow(3).sum(), withRespectTo: [x], createGraph: true)
        #expect(first[0]?.item == 27)
        let second = gradients(of: first[0] ?? x, withRespectTo: [x])
        #expect(second[0]?.item == 18)
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
        func y() -> Tensor {
            checkpoint ? checkpointed([x], parameters: [weight], stage) : stage([x])
        }
        let alone = gradients(of: y().sum(), withRespectTo: [weight])
        #expect(x.gradient == nil && weight.gradient == nil)
        y().sum().backward()
        for (found, expected) in [
            (x.gradient, plain[0]), (weight.gradient, plain[1]), (alone[0], plain[1]),
        ] {
            guard let found, let expected else {
                Issue.record("a gradient is missing")
                continue
            }
            #expect(found.isEqual(to: expected))
        }
    }

    @Test("a checkpointed stage trains its weights though its input needs no gradient")
    func checkpointOfFrozenInput() {
        let x = Tensor.ones([2, 3])
        let weight = Tensor.ones([1, 3]).requiringGrad()
        func y() -> Tensor {
            checkpointed([x], parameters: [weight]) { $0[0].linear(weight, nil) }
        }
        y().sum().backward()
        #expect(weight.gradient?.values() == [2, 2, 2] as [Float])
        #expect(!noGrad { y() }.requiresGrad)
        weight.requiringGrad(false)
        #expect(!y().requiresGrad)
    }

    @Test("a checkpointed stage runs twice, and is let go with what it made")
    func checkpointCalls() throws {
        final class Witness {}
        let x = Tensor.ones([2]).requiringGrad()
        var calls = 0
        weak var witness: Witness?
        func y() -> Tensor {
            let held = Witness()
            witness = held
            return checkpointed([x], parameters: []) { inputs in
                withExtendedLifetime(held) { calls += 1 }
                return inputs[0].squared()
            }
        }
        var made: Tensor? = y()
        #expect(calls == 1 && witness != nil)
        made?.sum().backward()
        #expect(calls == 2)
        made = nil
        #expect(witness == nil)
        _ = noGrad { y() }
        #expect(calls == 3)
    }

    @Test("a checkpointed stage runs under the same autocast both times")
    func checkpointUnderAutocast() {
        let generator = Generator(seed: 4)
        let x = Tensor.normal([4, 6], generator: generator).requiringGrad()
        let weight = Tensor.normal([5, 6], generator: generator).requiringGrad()
        let stage = { (inputs: [Tensor]) in
            let y = inputs[0].linear(weight, nil)
            #expect(y.dtype == .bfloat16)
            return y.gelu().linear(weight.transposed(), nil)
        }
        func run(_ body: () -> Tensor) -> [Tensor?] {
            (x.gradient, weight.gradient) = (nil, nil)
            let y = autocast(to: .bfloat16, on: .cpu, body)
            y.to(dtype: .float32).squared().sum().backward()
            return [y, x.gradient, weight.gradient]
        }
        let expected = run { stage([x]) }
        let found = run { checkpointed([x], parameters: [weight], stage) }
        for (a, b) in zip(found, expected) {
            guard let a, let b else {
                Issue.record("a gradient is missing")
                continue
            }
            #expect(a.isEqual(to: b))
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
        let found = run { $0.linear(weight, bias, throughOneDNN: true) }
        #expect(found.count == expected.count)
        for (a, b) in zip(found, expected) {
            #expect((a - b).abs().max().item < 2e-5)
        }
    }
}
