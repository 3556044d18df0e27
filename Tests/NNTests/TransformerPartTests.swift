import Foundation
import TestSupport
import Testing
import Torch

@testable import NN

@Suite("Parts of transformer blocks") struct TransformerPartTests {
    private let random = Generator(seed: 11)

    @Test("QuickGELU: x σ(1.702 x)")
    func quickGELU() {
        let x: [Float] = [-2, -0.5, 0, 1, 3]
        let expected = x.map { $0 / (1 + exp(-1.702 * $0)) }
        expect(QuickGELU()(Tensor(x)), closeTo: Tensor(expected), atol: 1e-6)
    }

    @Test("SwiGLU: W₃(silu(W₁ x) ⊙ W₂ x), with a norm before W₃", arguments: [nil, 1e-6])
    func swiGLU(innerNorm: Double?) {
        let layer = SwiGLU(4, hidden: 3, innerNorm: innerNorm, generator: random)
        #expect(
            layer.stateDict.map(\.name)
                == ["w12.weight", "w12.bias"]
                + (innerNorm == nil ? [] : ["norm.weight", "norm.bias"])
                + ["w3.weight", "w3.bias"])
        let x = Tensor.normal([2, 4], generator: random)
        let both = layer.w12(x)
        let gate = both[0..., ..<3]
        var hidden = gate / ((-gate).exp() + 1) * both[0..., 3...]
        if let innerNorm { hidden = hidden.layerNorm(nil, nil, eps: innerNorm) }
        expect(layer(x).detached(), closeTo: layer.w3(hidden).detached(), atol: 1e-5)
    }

    @Test("a bias of queries and values is a bias of all that is zero for the keys")
    func splitBias() throws {
        let layer = Attention(4, heads: 2, form: .init(bias: .queryAndValue), generator: random)
        #expect(
            layer.stateDict.map(\.name)
                == ["q_bias", "v_bias", "qkv.weight", "proj.weight", "proj.bias"])
        let (q, v) = (Tensor.normal([4], generator: random), Tensor.normal([4], generator: random))
        let plain = Attention(4, heads: 2, generator: random)
        var state = Dictionary(uniqueKeysWithValues: layer.stateDict.map { ($0.name, $0.tensor) })
        state["q_bias"] = q
        state["v_bias"] = v
        try layer.load(state)
        state["q_bias"] = nil
        state["v_bias"] = nil
        state["qkv.bias"] = concatenated([q, .zeros([4]), v], 0)
        try plain.load(state)
        let x = Tensor.normal([2, 5, 4], generator: random)
        expect(layer(x).detached(), closeTo: plain(x).detached(), atol: 1e-6)
    }

    @Test(
        "biases of pairs give the same with stored weights, fused, shared or of a block",
        arguments: [true, false])
    func relativeBias(isRecorded: Bool) throws {
        var form = Attention.Form()
        form.relativeRows = 5
        let own = Attention(4, heads: 2, form: form, generator: random)
        let table = Tensor.normal([5, 2], generator: random)
        var state = Dictionary(uniqueKeysWithValues: own.stateDict.map { ($0.name, $0.tensor) })
        state["relative_position_bias_table"] = table
        try own.load(state)
        state["relative_position_bias_table"] = nil
        let plain = Attention(4, heads: 2, generator: random)
        try plain.load(state)
        // Row i − j + 2 for tokens in a line.
        let rows = (0..<3).flatMap { i in (0..<3).map { i - $0 + 2 } }
        let pairs = RelativePairs(rows: Tensor(rows, shape: [3, 3]))
        let bias = table.selectingRows(pairs.rows).permuted(2, 0, 1)
        let x = Tensor.normal([2, 3, 4], generator: random)
        func both() -> (Tensor, Tensor) {
            (
                own(x, at: AttentionPositions(pairs: pairs)),
                plain(x, at: AttentionPositions(sharedBias: bias))
            )
        }
        let (a, b) = isRecorded ? both() : noGrad(both)
        expect(a.detached(), closeTo: b.detached(), atol: 1e-6)
        let (stored, weights) = own.withWeights(x, at: AttentionPositions(pairs: pairs))
        expect(a.detached(), closeTo: stored.detached(), atol: 1e-6)
        expect(weights.sum(-1).detached(), closeTo: .ones([2, 2, 3]), atol: 1e-5)
        #expect(!plain(x).isEqual(to: a))
    }

    @Test("norms of queries and keys make their length irrelevant")
    func queryKeyNorm() throws {
        var form = Attention.Form(bias: .none)
        form.queryKeyNorm = true
        form.innerNorm = true
        let layer = Attention(8, heads: 2, form: form, generator: random)
        #expect(
            layer.stateDict.map(\.name) == [
                "qkv.weight", "q_norm.weight", "q_norm.bias", "k_norm.weight", "k_norm.bias",
                "norm.weight", "norm.bias", "proj.weight", "proj.bias",
            ])
        let x = Tensor.normal([1, 4, 8], generator: random)
        let before = layer.withWeights(x).weights
        noGrad { layer.qkv.weight[..<16].multiplyInPlace(by: 7) }
        expect(layer.withWeights(x).weights.detached(), closeTo: before.detached(), atol: 1e-4)
    }

    @Test("hidden widths are cut off like the references', but not below a whole number")
    func hiddenWidth() {
        #expect(Block.hiddenWidth(1408, 48.0 / 11) == 6144)
        #expect(Block.hiddenWidth(1152, 3.7362) == 4304)
        #expect(Block.hiddenWidth(10, 2.58) == 25)
    }
}
