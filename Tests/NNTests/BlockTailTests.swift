import NN
import TestSupport
import Testing
import Torch

@Suite("The last tokens of a block alone") struct BlockTailTests {
    struct Form: Sendable, CustomTestStringConvertible {
        var bias = Attention.Bias.all
        var queryKeyNorm = false
        var layerScale: Double? = nil
        var isRagged = false
        var isRotary = false
        var testDescription: String {
            "\(bias)" + (queryKeyNorm ? ", norms of queries and keys" : "")
                + (layerScale == nil ? "" : ", LayerScale") + (isRagged ? ", filled up" : "")
                + (isRotary ? ", rotary" : "")
        }
    }

    @Test(
        "equal the last rows of the whole, with all gradients",
        arguments: [
            Form(), Form(bias: .none), Form(bias: .queryAndValue), Form(queryKeyNorm: true),
            Form(layerScale: 0.3), Form(isRagged: true), Form(isRotary: true),
        ], [1, 4, 9])
    func tail(form: Form, count: Int) throws {
        var attention = Attention.Form(bias: form.bias)
        attention.queryKeyNorm = form.queryKeyNorm
        let random = Generator(seed: 1)
        let block = Block(
            16, heads: 2, layerScale: form.layerScale, attention: attention, generator: random)
        for parameter in block.parameters {
            noGrad { parameter.fillNormalInPlace(std: 0.3, generator: random) }
        }
        let x = Tensor.normal([3, 9, 16], generator: random).requiringGrad()
        var positions: AttentionPositions?
        if form.isRagged {
            let lengths = [9, 5, 7]
            let present = lengths.flatMap { length in (0..<9).map { $0 < length || $0 == 8 ? 1 : 0 }
            }
            positions = AttentionPositions(
                present: Tensor(present, shape: [3, 9]).to(dtype: .bool))
        } else if form.isRotary {
            positions = AttentionPositions(
                rotation: Rotation(
                    angles: .normal([9, 4], generator: random), pairing: .halves))
        }
        let weight = Tensor.normal([3, count, 16], generator: random)
        func gradients(_ y: Tensor) -> [[Float]] {
            (y * weight).sum().backward()
            let tensors = [x] + block.parameters
            defer { for tensor in tensors { tensor.gradient = nil } }
            return tensors.map { ($0.gradient ?? .zeros($0.shape)).values(as: Float.self) }
        }
        let whole = block(x, at: positions)[0..., (9 - count)...]
        let part = block.ofLast(count, x, at: positions)
        expect(part.detached(), closeTo: whole.detached(), atol: 1e-5)
        for (found, expected) in zip(gradients(part), gradients(whole)) {
            expect(Tensor(found), closeTo: Tensor(expected), atol: 1e-4)
        }
    }
}
