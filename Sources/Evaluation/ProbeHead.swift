public import NN
public import Torch

/// What a linear probe trains: pooling if wanted, batch normalisation without scale and shift, a
/// linear layer.
///
/// The names in checkpoints are the published ones: `0.…` pooling where there is one, then the
/// normalisation, then `weight` and `bias` of the linear layer.
public enum ProbeHead {
    /// How the linear layer starts.
    public enum Start: String, Codable, Sendable, CaseIterable {
        /// PyTorch's uniform distribution on ±1/√D: *Beyond [cls]*.
        case uniform
        /// A normal distribution of deviation 0.01, cut at ±2, and zero bias: MAE.
        case narrow
    }

    /// A head for features of `width` values.
    ///
    /// - Parameters:
    ///   - width: D, of what comes pooled.
    ///   - classCount: the outputs.
    ///   - pooling: takes the encoder's tokens and gives `[B, D]`; nil where features come pooled.
    ///   - start: how the linear layer starts.
    ///   - generator: the source of its weights.
    /// - Returns: the layers, `[B, D] -> [B, classes]`.
    public static func make(
        width: Int, classCount: Int, pooling: (any ReadOut)? = nil, start: Start = .uniform,
        generator: Generator?
    ) -> Sequential {
        let linear = Linear(width, classCount, generator: generator)
        if start == .narrow {
            Init.truncatedNormalInPlace(linear.weight, std: 0.01, generator: generator)
            noGrad { linear.bias?.zeroInPlace() }
        }
        let norm = BatchNorm(width, affine: false, eps: 1e-6)
        let layers: [(any Layer)?] = [pooling, norm, linear]
        return Sequential(layers.compactMap { $0 })
    }
}
