public import Torch

/// How much of their width features use: what tells a collapsed encoder from a healthy one without
/// labels.
public struct FeatureSpectrum: Sendable, Hashable {
    /// RankMe: Garrido et al., *RankMe: Assessing the Downstream Performance of Pretrained
    /// Self-Supervised Representations by Their Rank* (2023), equation 1: the exponential of the entropy
    /// of the singular values' shares, from 1 to the width; of the features less their mean, which all
    /// pictures have in common and no classifier sees.
    public let rank: Double
    /// The standard deviation over the pictures, the mean of all columns, as a part of the root mean
    /// square of the features.
    public let spread: Double
    /// The mean cosine of two pictures' features: 1 where all are alike.
    public let cosine: Double
    /// D.
    public let width: Int

    /// Of features `[N, D]`, N above 1; of others every number is 0.
    public init(of features: Tensor) {
        let (count, width) = features.shape2
        self.width = width
        guard count > 1 else {
            (rank, spread, cosine) = (0, 0, 0)
            return
        }
        let x = features.detached().to(.cpu).to(dtype: .float64)
        let centred = x - x.mean(0)
        let squares = centred.transposed().matmul(centred).symmetricEigen().values.clamped(min: 0)
        let singular = squares.sqrt()
        let shares = singular / (singular.sum() + 1e-12) + 1e-7
        rank = (-(shares * shares.log()).sum()).exp().item
        let size = x.squared().mean().sqrt().item
        spread = size > 0 ? centred.squared().mean(0).sqrt().mean().item / size : 0
        // ‖Σ u‖² holds every pair twice, and every picture with itself once.
        let sum = x.normalized().sum(0).squared().sum().item
        cosine = (sum - Double(count)) / Double(count * (count - 1))
    }
}

extension FeatureSpectrum {
    /// By the names of the log.
    public var named: [(name: String, value: Double)] {
        [("rank_me", rank), ("feature_spread", spread), ("feature_cosine", cosine)]
    }
}
