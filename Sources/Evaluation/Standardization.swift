public import Torch

/// Columns at zero mean and unit deviation.
public struct Standardization {
    /// `[D]`, fp64.
    public let mean: Tensor
    /// `[D]`, fp64, by the unbiased estimate; 1 for columns without any deviation, which become 0.
    public let deviation: Tensor

    /// The statistics of features `[N, D]`, N above 1.
    public init(of values: Tensor) {
        let exact = values.detached().to(dtype: .float64)
        mean = exact.mean(0)
        let deviation = exact.variance(0).sqrt()
        self.deviation = (deviation .> 0).select(
            deviation, else: .ones([], dtype: .float64, device: values.device))
    }

    /// Features by these statistics, in fp64.
    public func callAsFunction(_ values: Tensor) -> Tensor {
        (values.detached().to(dtype: .float64) - mean) / deviation
    }
}

/// The axes along which features vary most.
public struct PrincipalAxes {
    /// Of XᵀX, the largest first, `[D]`.
    public let eigenvalues: Tensor
    /// The axes in columns, `[D, D]`.
    public let axes: Tensor

    /// The axes of standardised features `[N, D]`.
    public init(of values: Tensor) {
        let (values, vectors) = values.transposed().matmul(values).symmetricEigen()
        eigenvalues = values.flipped(0)
        axes = vectors.flipped(1)
    }

    /// Features in these axes.
    public func callAsFunction(_ values: Tensor) -> Tensor { values.matmul(axes) }
}
