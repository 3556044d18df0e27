import TestSupport
import Testing
import Torch

@Suite("Linear algebra") struct TensorLinearAlgebraTests {
    @Test("solving undoes the product")
    func solving() {
        let matrix = Tensor([4.0, 1, -2, 0, 3, 5, 1, -1, 2], shape: [3, 3])
        let expected = Tensor([1.0, -2, 0.5, 3, -4, 7], shape: [3, 2])
        expect(
            matrix.solving(for: matrix.matmul(expected)), closeTo: expected, atol: 1e-12)
    }

    @Test("eigenvectors are scaled by their eigenvalues, the smallest first")
    func symmetricEigen() {
        let matrix = Tensor([2.0, 1, 0, 1, 3, -1, 0, -1, 5], shape: [3, 3])
        let (values, vectors) = matrix.symmetricEigen()
        expect(matrix.matmul(vectors), closeTo: vectors * values, atol: 1e-12)
        expect(
            vectors.transposed().matmul(vectors), closeTo: .identity(3, dtype: .float64),
            atol: 1e-12)
        let found = values.values(as: Double.self)
        #expect(found == found.sorted() && abs(found.reduce(0, +) - 10) < 1e-12)
    }
}
