import Foundation
import TestSupport
import Testing
import Torch

@testable import NN

/// Layers against their formulas, written out over plain numbers.
@Suite("Layers") struct LayerTests {
    private let random = Generator(seed: 5)

    @Test("linear: x Wᵀ + b", arguments: [true, false], [true, false])
    func linear(hasBias: Bool, oneDNN: Bool) {
        let layer = Linear(3, 2, bias: hasBias, generator: random)
        let x = Tensor.normal([4, 5, 3], generator: random)
        let y = TorchSettings.linear(throughOneDNN: oneDNN) { layer(x) }
        let input: [Float] = x.values()
        let weight: [Float] = layer.weight.values()
        let bias: [Float] = layer.bias?.values() ?? [0, 0]
        var expected: [Float] = []
        for row in 0..<20 {
            for out in 0..<2 {
                var sum = bias[out]
                for i in 0..<3 { sum += input[row * 3 + i] * weight[out * 3 + i] }
                expected.append(sum)
            }
        }
        expect(y.detached(), closeTo: Tensor(expected, shape: [4, 5, 2]), atol: 1e-5)
    }

    @Test("layer norm: biased variance, ε inside the root")
    func layerNorm() {
        let layer = LayerNorm(4, eps: 0.5)
        noGrad {
            layer.weight.copyInPlace(Tensor([1, 2, 3, 4] as [Float]))
            layer.bias.copyInPlace(Tensor([0.5, 0, 0, -1] as [Float]))
        }
        let x: [Float] = [1, 2, 4, 9]
        let mean: Float = 4
        let variance: Float = (9 + 4 + 0 + 25) / 4
        let shift: [Float] = [0.5, 0, 0, -1]
        let expected = (0..<4).map { i -> Float in
            (x[i] - mean) / (variance + 0.5).squareRoot() * Float(i + 1) + shift[i]
        }
        expect(layer(Tensor(x)).detached(), closeTo: Tensor(expected), atol: 1e-5)
    }

    @Test("attention: softmax(q kᵀ / √d) v for each head", arguments: [1, 3])
    func attention(heads: Int) {
        let (tokens, width) = (5, 6)
        let d = width / heads
        let layer = Attention(width, heads: heads, generator: random)
        let x = Tensor.normal([1, tokens, width], generator: random)
        let qkv: [Float] = layer.qkv(x).values()
        func at(_ part: Int, _ token: Int, _ channel: Int) -> Float {
            qkv[token * 3 * width + part * width + channel]
        }
        var mixed = [Float](repeating: 0, count: tokens * width)
        var weights: [Float] = []
        for head in 0..<heads {
            for i in 0..<tokens {
                var shares: [Float] = []
                for j in 0..<tokens {
                    var score: Float = 0
                    for c in head * d..<(head + 1) * d { score += at(0, i, c) * at(1, j, c) }
                    shares.append(exp(score / Float(d).squareRoot()))
                }
                let total = shares.reduce(0, +)
                shares = shares.map { $0 / total }
                weights += shares
                for c in head * d..<(head + 1) * d {
                    for j in 0..<tokens { mixed[i * width + c] += shares[j] * at(2, j, c) }
                }
            }
        }
        let expected = layer.proj(Tensor(mixed, shape: [1, tokens, width])).detached()
        expect(layer(x).detached(), closeTo: expected, atol: 1e-5)
        let (output, found) = layer.withWeights(x)
        expect(output.detached(), closeTo: expected, atol: 1e-5)
        expect(
            found.detached(), closeTo: Tensor(weights, shape: [1, heads, tokens, tokens]),
            atol: 1e-6)
    }

    @Test(
        "the kernel without stored weights gives the same, long or short, differentiated or not",
        arguments: [4, 130], [true, false])
    func fusedAttention(tokens: Int, isRecorded: Bool) {
        let layer = Attention(8, heads: 2, generator: random)
        let x = Tensor.normal([2, tokens, 8], generator: random)
        let y = isRecorded ? layer(x) : noGrad { layer(x) }
        expect(y.detached(), closeTo: layer.withWeights(x).output.detached(), atol: 1e-5)
    }

    @Test("batch norm: biased variance for the batch, unbiased for the running one")
    func batchNorm() {
        let layer = BatchNorm(1, affine: false, momentum: 0.1, eps: 0)
        let y = layer(Tensor([1, 3] as [Float], shape: [2, 1]))
        expect(y, closeTo: Tensor([-1, 1] as [Float], shape: [2, 1]), atol: 1e-6)
        let state = Dictionary(uniqueKeysWithValues: layer.stateDict.map { ($0.name, $0.tensor) })
        #expect(
            layer.stateDict.map(\.name)
                == ["running_mean", "running_var", "num_batches_tracked"])
        #expect(abs((state["running_mean"]?.item ?? 0) - 0.2) < 1e-6)
        #expect(abs((state["running_var"]?.item ?? 0) - (0.9 + 0.1 * 2)) < 1e-6)
        #expect(state["num_batches_tracked"]?.item == 1)
        layer.evaluate()
        let z = layer(Tensor([0.2] as [Float], shape: [1, 1]))
        #expect(abs(z.item) < 1e-6 && state["num_batches_tracked"]?.item == 1)
    }

    @Test("drop path drops whole samples in training and nothing else")
    func dropPath() {
        let layer = DropPath(0.25, generator: random)
        let x = Tensor.ones([2000, 2, 2])
        let kept: [Float] = layer(x).values()
        for sample in stride(from: 0, to: kept.count, by: 4) {
            #expect(kept[sample..<sample + 4].allSatisfy { $0 == kept[sample] })
        }
        #expect(Set(kept) == [0, 1 / 0.75])
        // 2000 samples: standard error of the mean 0.013.
        #expect(abs(kept.reduce(0, +) / Float(kept.count) - 1) < 0.055)
        layer.evaluate()
        expect(layer(x), closeTo: x)
        expect(DropPath(0, generator: nil)(x), closeTo: x)
    }

    @Test("starting values follow their distributions")
    func initialization() {
        let linear = Linear(100, 50, generator: random)
        func bounds(_ tensor: Tensor) -> (Double, Double) {
            (tensor.detached().min().item, tensor.detached().max().item)
        }
        var (low, high) = bounds(linear.weight)
        #expect(low >= -0.1 && low < -0.099 && high < 0.1 && high > 0.099)
        linear.initializeXavier(generator: random)
        (low, high) = bounds(linear.weight)
        let bound = (6.0 / 150).squareRoot()
        #expect(low >= -bound && low < -0.99 * bound && high < bound && high > 0.99 * bound)
        #expect(linear.bias?.detached().abs().max().item == 0)
        linear.initializeTruncatedNormal(std: 0.02, generator: random)
        let std = linear.weight.detached().flattened().variance(0).sqrt().item
        #expect(abs(std - 0.02) < 0.001)
        let cut = Tensor.empty([5000])
        Init.truncatedNormalInPlace(cut, std: 1, bound: 0.5, generator: random)
        (low, high) = bounds(cut)
        #expect(low > -0.5 && low < -0.49 && high < 0.5 && high > 0.49)
    }

    @Test("a seed makes the same weights")
    func repeatable() {
        let first = Block(8, heads: 2, generator: Generator(seed: 3))
        let second = Block(8, heads: 2, generator: Generator(seed: 3))
        for (a, b) in zip(first.parameters, second.parameters) {
            expect(a.detached(), closeTo: b.detached())
        }
    }
}
