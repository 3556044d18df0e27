import Foundation
import Testing
import Torch

@Suite("Operators on lists") struct ForeachTests {
    private let shapes = [[3], [2, 2], [], [0]]
    private func sample(_ seed: UInt64) -> [Naive] {
        shapes.map { Naive(random: $0, seed: seed) }
    }
    private func expectAll(
        _ found: [Tensor], _ expected: [Naive], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(found.count == expected.count, sourceLocation: sourceLocation)
        for (a, b) in zip(found, expected) { expect(a, equals: b, sourceLocation: sourceLocation) }
    }

    @Test("each does to every tensor what its name says")
    func all() {
        let (a, b) = (sample(1), sample(2))
        let (x, y) = (a.map(\.tensor), b.map(\.tensor))
        expectAll(
            Foreach.norms(x),
            a.map { Naive([], values: [$0.values.reduce(0) { $0 + $1 * $1 }.squareRoot()]) })
        Foreach.multiplyInPlace(x, by: 2)
        var expected = a.map { $0.map { $0 * 2 } }
        expectAll(x, expected)
        Foreach.multiplyInPlace(x, by: Tensor(scalar: 0.25))
        expected = expected.map { $0.map { $0 * 0.25 } }
        Foreach.addInPlace(x, y, scale: -3)
        expected = zip(expected, b).map { $0.with($1) { $0 - 3 * $1 } }
        expectAll(x, expected)
        Foreach.interpolateInPlace(x, towards: y, weight: 0.1)
        expected = zip(expected, b).map { $0.with($1) { $0 + ($1 - $0) * 0.1 } }
        expectAll(x, expected)
        Foreach.copyInPlace(x, from: y)
        expectAll(x, b)
        Foreach.zeroInPlace(x)
        expectAll(x, b.map { $0.map { _ in 0 } })
    }

    @Test("nothing to do is no error")
    func empty() {
        #expect(Foreach.norms([]).isEmpty)
        Foreach.multiplyInPlace([], by: 2)
        Foreach.multiplyInPlace([], by: Tensor(scalar: 2.0))
        Foreach.addInPlace([], [])
        Foreach.interpolateInPlace([], towards: [], weight: 0.5)
        Foreach.copyInPlace([], from: [])
        Foreach.zeroInPlace([])
        let flag = Tensor.zeros([1])
        Foreach.unscaleInPlace([], foundNonFinite: flag, inverseScale: Tensor.ones([1]))
        #expect(flag.item == 0)
        Foreach.adamWInPlace(
            [], gradients: [], averages: [], squares: [], steps: [], learningRate: 1, beta1: 0.9,
            beta2: 0.99, weightDecay: 0, eps: 1e-8)
    }

    @Test("fused AdamW is the formula of the paper, over several steps")
    func adamW() {
        let (learningRate, beta1, beta2, decay, eps) = (0.1, 0.9, 0.95, 0.05, 1e-8)
        var p = sample(3).map { Naive($0.shape, values: $0.values) }
        var m = p.map { $0.map { _ in 0 } }
        var v = m
        let parameters = p.map(\.tensor)
        let (averages, squares) = (m.map(\.tensor), v.map(\.tensor))
        let steps = p.map { _ in Tensor.zeros([]) }
        for t in 1...3 {
            let g = sample(UInt64(10 + t))
            Foreach.addInPlace(steps, steps.map { _ in Tensor.ones([]) })
            Foreach.adamWInPlace(
                parameters, gradients: g.map(\.tensor), averages: averages, squares: squares,
                steps: steps, learningRate: learningRate, beta1: beta1, beta2: beta2,
                weightDecay: decay, eps: eps)
            for i in p.indices {
                m[i] = m[i].with(g[i]) { beta1 * $0 + (1 - beta1) * $1 }
                v[i] = v[i].with(g[i]) { beta2 * $0 + (1 - beta2) * $1 * $1 }
                let (b1, b2) = (
                    1 - Foundation.pow(beta1, Double(t)), 1 - Foundation.pow(beta2, Double(t))
                )
                let step = m[i].with(v[i]) { ($0 / b1) / (($1 / b2).squareRoot() + eps) }
                p[i] = p[i].with(step) { $0 * (1 - learningRate * decay) - learningRate * $1 }
            }
        }
        for (found, expected) in [(parameters, p), (averages, m), (squares, v)] {
            for (a, b) in zip(found, expected) { expect(a, equals: b, within: 1e-9) }
        }
    }

    @Test("unscaling finds what is not finite", arguments: [1.0, .nan, .infinity])
    func unscale(value: Double) {
        let gradients = [Tensor([2, 4] as [Float]), Tensor([Float(value)])]
        let found = Tensor.zeros([1])
        Foreach.unscaleInPlace(
            gradients, foundNonFinite: found, inverseScale: Tensor([0.5] as [Float]))
        #expect((found.item != 0) == !value.isFinite)
        #expect(gradients[0].values() == [1, 2] as [Float])
    }

    @Test("the loss scale falls after a bad step and grows after an interval of good ones")
    func lossScale() {
        let scale = Tensor([1024] as [Float])
        let tracker = Tensor([0] as [Int32])
        func step(bad: Bool) -> Double {
            Foreach.updateLossScaleInPlace(
                scale, tracker: tracker, foundNonFinite: Tensor([bad ? 1 : 0] as [Float]),
                growth: 2, backoff: 0.5, interval: 3)
            return scale.item
        }
        let bad = [false, false, true, false, false, false, false]
        let expected: [Double] = [1024, 1024, 512, 512, 512, 1024, 1024]
        #expect(bad.map(step) == expected)
    }
}
