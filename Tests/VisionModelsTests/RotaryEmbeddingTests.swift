import NN
import TestSupport
import Testing
import Torch
import VisionModels

@Suite("Rotary positions") struct RotaryEmbeddingTests {
    private let grid = PatchGrid(rows: 2, columns: 3)

    /// The numbers 0, 0.1, 0.2 and so on as `[1, 1, T, 8]`.
    private func queries(_ count: Int) -> Tensor {
        (Tensor.range(0..<count * 8).to(dtype: .float32) / 10).reshaped(1, 1, count, 8)
    }

    /// Numbers of the class in timm that EVA-02's models use, the reference grid 4 × 4.
    @Test("EVA-02's turn as timm's")
    func eva02() {
        let rotation = RotaryEmbedding(.eva02, referenceGrid: 4).rotation(of: grid, headWidth: 8)
        let expected: [Float] = [
            0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, -0.9812, 1.4721, 1.3799,
            1.5185, 1.6, 1.7, 1.8, 1.9, -2.7389, -0.953, 2.1379, 2.3578, -3.272, 1.1419, 2.5455,
            2.7515, 2.8, 2.9, 3.0, 3.1, -4.3324, 1.5365, 3.3293, 3.5673, -2.7493, 4.3694, 3.7477,
            3.9503, -5.3927, 1.931, 4.1132, 4.3831, -5.9708, -1.99, 4.473, 4.821,
        ]
        expect(
            rotation(queries(6)), closeTo: Tensor(expected, shape: [1, 1, 6, 8]), atol: 1e-4)
    }

    /// Numbers of transformers' DINOv3 with two tokens before the patches.
    @Test("DINOv3's turn the patches alone, as transformers'")
    func dinoV3() {
        let rotation = RotaryEmbedding(.dinoV3).rotation(of: grid, headWidth: 8)
        let expected: [Float] = [
            0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, -1.6,
            2.2657,
            -2.8053, 2.6712, -2.0, 1.4719, 0.4588, 1.3284, -2.4, 3.2738, 2.6, 2.7, -2.8, 1.9855,
            3.0,
            3.1, -3.2, 4.2818, 1.5909, 1.6111, -3.6, 2.4992, -4.8445, 4.9864, -4.0, 2.5088, -6.0837,
            5.8399, -4.4, 5.5467, 1.3373, 2.5447, -4.8, 3.0224, 5.0, 5.1, -5.2, 6.5548, 5.4, 5.5,
            -5.6,
            3.536, 2.4694, 2.8275, -6.0, 7.5628, -8.1229, 8.1551,
        ]
        expect(
            rotation(queries(8)), closeTo: Tensor(expected, shape: [1, 1, 8, 8]), atol: 2e-4)
    }

    @Test("the logits of two patches depend on their difference alone")
    func differences() {
        let rotation = RotaryEmbedding(.eva02).rotation(
            of: PatchGrid(rows: 4, columns: 4), headWidth: 8)
        let one = Tensor.normal([1, 1, 1, 8], generator: Generator(seed: 1))
        let other = Tensor.normal([1, 1, 1, 8], generator: Generator(seed: 2))
        let q = rotation(one.expanded([1, 1, 16, 8]))
        let k = rotation(other.expanded([1, 1, 16, 8]))
        let logits = q.matmul(k.transposed())[0, 0]
        // One row down and one column left, from two places.
        expect(logits[5, 8], closeTo: logits[2, 5], atol: 1e-5)
        #expect((logits[5, 8] - logits[5, 10]).abs().item > 1e-3)
    }
}
