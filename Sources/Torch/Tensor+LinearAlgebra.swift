enum LinearAlgebra {
    static let eigh = Op("aten::linalg_eigh")
    static let solve = Op("aten::linalg_solve")
}

extension Tensor {
    /// The eigenvalues `[D]` of a symmetric matrix `[D, D]`, the smallest first, and the unit
    /// eigenvectors in the columns of `[D, D]`.
    ///
    /// The sign of a vector, and a basis within equal eigenvalues, are not determined.
    public func symmetricEigen() -> (values: Tensor, vectors: Tensor) {
        let found = LinearAlgebra.eigh.tensors(.tensor(self), .string("L"), capacity: 2)
        guard found.count == 2, let values = found[0], let vectors = found[1] else {
            fatalError("linalg_eigh did not return two tensors")
        }
        return (values, vectors)
    }

    /// The `[N, K]` that the square matrix `[N, N]` has to be multiplied with for `right` `[N, K]`.
    ///
    /// The matrix must be invertible.
    public func solving(for right: Tensor) -> Tensor {
        LinearAlgebra.solve(.tensor(self), .tensor(right))
    }
}
