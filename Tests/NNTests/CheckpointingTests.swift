import NN
import TestSupport
import Testing
import Torch

@Suite("Activation checkpointing of blocks") struct CheckpointingTests {
    enum Pass: CaseIterable {
        case whole
        case someTokens
        case packed
    }

    @Test(
        "output, gradients and later draws are those of plain blocks, to the bit",
        arguments: Pass.allCases, [nil, DType.bfloat16])
    func block(pass: Pass, precision: DType?) {
        func run(_ isOn: Bool) -> [Tensor] {
            let random = Generator(seed: 1)
            let block = Block(16, heads: 2, layerScale: 0.3, dropPath: 0.5, generator: random)
            block.checkpointActivations(isOn)
            let x = Tensor.normal([6, 9, 16], generator: random).requiringGrad()
            let table = Tensor.normal([2, 9, 9], generator: random).requiringGrad()
            let y = autocast(to: precision, on: .cpu, sharesCasts: false) {
                let positions = AttentionPositions(sharedBias: table.squared())
                return switch pass {
                case .whole: block(block(x, at: positions), at: positions)
                case .someTokens:
                    block.of(
                        2..<5, x, seeing: 0..<9,
                        at: AttentionPositions(sharedBias: table.squared()[0..., 2..<5]))
                case .packed:
                    concatenated(
                        block(TokenRows([x, x[..<2, ..<4]]), at: [positions, nil]).parts.map {
                            $0.flattened(0, 1)
                        }, 0)
                }
            }
            let leaves = [x, table] + block.parameters
            let weight = Tensor.normal(y.shape, generator: random)
            let found = gradients(
                of: (y.to(dtype: .float32) * weight).sum(), withRespectTo: leaves)
            #expect(found.allSatisfy { $0 != nil })
            return [y, .uniform([3], generator: random)] + found.compactMap { $0 }
        }
        for (found, expected) in zip(run(true), run(false)) {
            #expect(found.isEqual(to: expected))
        }
    }

    @Test("evaluation has the same numbers and draws nothing")
    func evaluation() {
        let random = Generator(seed: 1)
        let block = Block(16, heads: 2, dropPath: 0.5, generator: random)
        let x = Tensor.normal([2, 5, 16], generator: random)
        block.checkpointActivations()
        block.evaluate()
        let before = random.state
        let y = noGrad { block(x) }
        block.checkpointActivations(false)
        #expect(noGrad { block(x) }.isEqual(to: y))
        #expect(random.state.isEqual(to: before))
    }
}
