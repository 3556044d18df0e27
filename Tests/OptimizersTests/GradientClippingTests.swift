import Optimizers
import Testing
import Torch

@Suite("Gradient clipping") struct GradientClippingTests {
    private var gradients: [Tensor] {
        [Tensor([3, 0] as [Float]), Tensor([0, 4] as [Float], shape: [2, 1])]
    }

    @Test("the global norm is that of all numbers together")
    func norm() {
        #expect(GradientClipping.globalNorm(gradients).item == 5)
        #expect(GradientClipping.globalNorm([gradients[1]]).item == 4)
        #expect(GradientClipping.globalNorm([]).item == 0)
    }

    @Test("long gradients are shortened together, short ones left", arguments: [1.0, 5.1])
    func clip(maximum: Double) {
        let gradients = gradients
        let norm = GradientClipping.clipInPlace(gradients, toGlobalNorm: maximum)
        #expect(norm.item == 5)
        let factor = min(1, maximum / (5 + 1e-6))
        #expect(abs(gradients[0][0].item - 3 * factor) < 1e-6)
        #expect(abs(gradients[1][1, 0].item - 4 * factor) < 1e-6)
    }

    @Test("each gradient can be shortened by itself")
    func clipEach() {
        let gradients = gradients
        let norms = GradientClipping.clipEachInPlace(gradients, toNorm: 3.5)
        #expect(norms.map(\.item) == [3, 4])
        #expect(gradients[0].values() == [3, 0] as [Float])
        #expect(abs(gradients[1][1, 0].item - 3.5) < 1e-5)
    }

    @Test("a norm that is not finite is found", arguments: [Float.infinity, .nan, 1])
    func nonFinite(value: Float) {
        let norm = GradientClipping.globalNorm([Tensor([value, 1])])
        #expect(GradientClipping.isNonFinite(norm).item == (value == 1 ? 0 : 1))
    }
}
