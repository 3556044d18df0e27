import Foundation
import TestSupport
import Testing
import Torch

@testable import NN

/// The layers that featurenorm has in the place of norms and networks, against their formulas.
@Suite("Tanh, running statistics and experts") struct FeatureNormLayerTests {
    private let random = Generator(seed: 5)

    @Test("tanh without a scale has α alone")
    func dynamicTanh() {
        let layer = DynamicTanh(3, affine: false)
        #expect(layer.namedParameters.map(\.name) == ["alpha"])
        noGrad { layer.alpha.copyInPlace(Tensor([0.5, 1, 2] as [Float])) }
        let expected = [0.5, 1, 2].map { Float(tanh($0 * 3.0)) }
        expect(
            layer(.full([3], 3)).detached(), closeTo: Tensor(expected), atol: 1e-6)
        #expect(
            DynamicTanh(3).namedParameters.map(\.name) == ["alpha", "gamma", "beta"])
    }

    @Test("the first batch sets the statistics, later ones move them, padding counts for nothing")
    func runningStatistics() {
        let layer = RunningBatchNorm(2)
        let present = Tensor([1, 1, 0]).to(dtype: .bool)
        func batch(_ numbers: [Float]) -> Tensor { Tensor(numbers, shape: [3, 2]) }
        let first = layer(batch([1, 10, 3, 20, .nan, .infinity]), counting: present)
        func state(_ name: String) -> [Double] {
            layer.stateDict.first { $0.name == name }?.tensor.values(as: Double.self) ?? []
        }
        let root = 2.0.squareRoot()
        #expect(state("running_mean") == [2, 15] && state("is_initted") == [1])
        let values = first.values(as: Double.self)
        #expect(abs(values[0] + 1 / root) < 1e-6 && abs(values[3] - 1 / root) < 1e-6)
        _ = layer(batch([12, 15, 12, 15, 0, 0]), counting: present)
        #expect(abs(state("running_mean")[0] - 2.1) < 1e-6)
        #expect(abs(state("running_std")[0] - 0.99 * root) < 1e-6)
        layer.evaluate()
        let before = state("running_mean")
        _ = layer(batch([5, 5, 5, 5, 5, 5]))
        #expect(state("running_mean") == before)
    }

    @Test("a channel that never differs is divided by ε, not by 0")
    func constantChannel() {
        let layer = RunningBatchNorm(1, eps: 0.5)
        let y = layer(.full([4, 1], 3))
        #expect(y.values(as: Float.self) == [0, 0, 0, 0])
        layer.evaluate()
        #expect(layer(.full([1, 1], 4)).values(as: Float.self) == [2])
    }

    @Test("experts in evaluation: the sum over those whose probability is above the threshold")
    func experts() {
        let layer = DiffMoE(4, experts: 3, generator: random)
        layer.evaluate()
        let x = Tensor.normal([2, 5, 4], generator: random)
        let (all, none) = (layer(x), layer.thresholds)
        // Thresholds of 0: every expert works on every token.
        #expect(all.routes.sum().item == 30)
        let z = layer.norm(x)
        var expected = x
        for expert in 0..<3 {
            let part = z.linear(layer.fc1s[expert], layer.b1s[expert]).tanhGELU()
                .linear(layer.fc2s[expert], layer.b2s[expert])
            let gate = (z.linear(layer.gateProj.weight, nil)[0..., 0..., expert].tanh() + 1) * 0.5
            expected = expected + part * gate.unsqueezed(-1)
        }
        expect(all.tokens.detached(), closeTo: expected.detached(), atol: 1e-6)
        none.parameter.fillInPlace(1.5)
        #expect(layer(x).tokens.isEqual(to: x))
    }

    @Test("experts in training: equal shares, and padding changes no token")
    func routes() {
        let layer = DiffMoE(4, experts: 3, generator: random)
        let x = Tensor.normal([2, 6, 4], generator: random)
        let present = Tensor([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0], shape: [2, 6])
            .to(dtype: .bool)
        let output = layer(x, present: present)
        #expect(output.routes.sum(0).values(as: Double.self) == [4, 4, 4])
        #expect(output.tokens[1, 4...].isEqual(to: x[1, 4...]))
        #expect((output.capacityLoss?.item ?? 0) > 0)
        let before = layer.thresholds.parameter.clone()
        #expect(before.values(as: Double.self).allSatisfy { $0 > 0 && $0 < 1 })
        _ = layer(x * 2, present: present)
        #expect(!layer.thresholds.parameter.isEqual(to: before))
    }
}
