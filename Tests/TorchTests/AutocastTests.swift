import Testing
import Torch

@Suite("Automatic mixed precision") struct AutocastTests {
    private let x = Tensor.normal([3, 4], generator: Generator(seed: 1))

    @Test("matrix products are cast down, losses up, and the mode ends with the closure")
    func casts() {
        let inside = autocast(to: .bfloat16, on: .cpu) { x.matmul(x.transposed()) }
        #expect(inside.dtype == .bfloat16)
        let loss = autocast(to: .bfloat16, on: .cpu) {
            x.to(dtype: .bfloat16).crossEntropy(Tensor([0, 1, 2]))
        }
        #expect(loss.dtype == .float32)
        #expect(x.matmul(x.transposed()).dtype == .float32)
        #expect(autocast(to: nil, on: .cpu) { x.matmul(x.transposed()) }.dtype == .float32)
    }

    @Test("nested closures restore what was before them")
    func nesting() {
        func product() -> DType { x.matmul(x.transposed()).dtype }
        autocast(to: .bfloat16, on: .cpu) {
            #expect(product() == .bfloat16)
            autocast(to: .float16, on: .cpu) { #expect(product() == .float16) }
            #expect(product() == .bfloat16)
            autocast(to: nil, on: .cpu) { #expect(product() == .bfloat16) }
            autocast(to: .bfloat16, on: .cuda(0)) { #expect(product() == .bfloat16) }
            #expect(product() == .bfloat16)
        }
        #expect(product() == .float32)
    }

    @Test("an error leaves the mode, too")
    func throwing() {
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try autocast(to: .bfloat16, on: .cpu) { throw Stop() }
        }
        #expect(x.matmul(x.transposed()).dtype == .float32)
    }

    @Test("weights changed between two closures are cast anew")
    func staleCasts() {
        let weight = Tensor.ones([2, 4]).requiringGrad()
        func run() -> Tensor { autocast(to: .bfloat16, on: .cpu) { x.linear(weight, nil) } }
        let before = run()
        noGrad { weight.multiplyInPlace(by: 2) }
        #expect(run().isEqual(to: before * 2))
    }

    @Test("weights changed after a checkpointed stage ran backward are cast anew")
    func staleCastsOfCheckpoints() {
        let weight = Tensor.ones([2, 4]).requiringGrad()
        let input = x.clone().requiringGrad()
        func run() -> Tensor {
            autocast(to: .bfloat16, on: .cpu) {
                checkpointed([input], parameters: [weight]) { $0[0].linear(weight, nil) }
            }
        }
        let before = run()
        before.to(dtype: .float32).sum().backward()
        noGrad { weight.multiplyInPlace(by: 2) }
        #expect(run().isEqual(to: before * 2))
        #expect(x.matmul(x.transposed()).dtype == .float32)
    }

    @Test(
        "our linear layers have the values and gradients of libtorch's",
        arguments: [true, false], LinearForm.allCases)
    func linear(bias hasBias: Bool, form: LinearForm) {
        guard form != .oneDNN || TorchSettings.cpuHasBFloat16 else {
            return print("not run: oneDNN multiplies no bf16 on a CPU without its instructions")
        }
        let generator = Generator(seed: 2)
        let input = Tensor.normal([2, 5, 24], generator: generator).requiringGrad()
        let weight = Tensor.normal([16, 24], generator: generator).requiringGrad()
        let bias = hasBias ? Tensor.normal([16], generator: generator).requiringGrad() : nil
        let leaves = [input, weight] + (bias.map { [$0] } ?? [])
        func run(_ layer: () -> Tensor) -> [Tensor] {
            let y = autocast(to: .bfloat16, on: .cpu, layer)
            #expect(y.dtype == .bfloat16)
            let loss = y.to(dtype: .float32).squared().mean()
            return [y] + gradients(of: loss, withRespectTo: leaves).compactMap { $0 }
        }
        let found = run {
            input.linear(
                weight, bias, throughOneDNN: form != .widenedBLAS, widening: form != .oneDNN)
        }
        let expected = run {
            let product = input.matmul(weight.transposed())
            return bias.map { product + $0.to(dtype: .bfloat16) } ?? product
        }
        #expect(found.count == 1 + leaves.count)
        for (a, b) in zip(found, expected) {
            #expect(a.isFinite().allTrue && a.shape == b.shape)
            let error = (a.to(dtype: .float32) - b.to(dtype: .float32)).norm().item
            #expect(error < 0.01 * b.to(dtype: .float32).norm().item)
        }
        for (gradient, leaf) in zip(found.dropFirst(), leaves) {
            #expect(gradient.dtype == .float32 && gradient.shape == leaf.shape)
        }
    }

    @Test("a widened product is the exact one, rounded once")
    func widening() {
        let weight = Tensor.normal([16, 24], generator: Generator(seed: 5))
        let input = Tensor.normal([5, 24], generator: Generator(seed: 6))
        let (w, x) = (weight.to(dtype: .bfloat16), input.to(dtype: .bfloat16))
        let exact = x.to(dtype: .float64).matmul(w.to(dtype: .float64).transposed())
        let found = x.linear(w, nil, throughOneDNN: false, widening: true).to(dtype: .float64)
        // Half a unit in the last of 8 bits, and the rounding of the sum in fp32.
        #expect((found - exact).abs().isLess(than: exact.abs() * 0x1p-8 + 1e-5))
    }
}

/// The ways in which our linear layer multiplies.
enum LinearForm: String, CaseIterable, Sendable {
    case oneDNN
    case widenedOneDNN
    case widenedBLAS
}

extension Tensor {
    fileprivate func isLess(than other: Tensor) -> Bool { (self .< other).allTrue }
}
