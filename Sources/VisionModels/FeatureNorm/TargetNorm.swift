public import NN
public import Torch

/// How what a teacher gives is normalised before it is predicted: the question of featurenorm.
///
/// Colton, *Elucidating the Role of Feature Normalization in IJEPA* (2025). B sequences, T tokens, D
/// width.
public final class TargetNorm: Module {
    let running: RunningBatchNorm?
    public let form: Form

    public override class var stateNames: [String: String] { ["running": ""] }

    public enum Form: String, Codable, Sendable, CaseIterable {
        /// Each token at zero mean and unit variance.
        case layerNorm
        /// Each channel by the statistics of the batch.
        case batchNorm
        /// Each channel by statistics that run along.
        case runningBatchNorm
        /// All channels together by one mean and one deviation that run along.
        case runningScalar
        case none
    }

    /// - Parameters:
    ///   - form: which.
    ///   - width: D.
    public init(_ form: Form, width: Int) {
        self.form = form
        running =
            switch form {
            case .runningBatchNorm: RunningBatchNorm(width)
            case .runningScalar: RunningBatchNorm(1)
            case .layerNorm, .batchNorm, .none: nil
            }
    }

    /// - Parameters:
    ///   - targets: `[B, T, D]`.
    ///   - present: `[B, T]`, false for padding, which is no part of the statistics but is normalised too.
    /// - Returns: `[B, T, D]`; no gradient flows through statistics of a batch.
    public func callAsFunction(_ targets: Tensor, counting present: Tensor?) -> Tensor {
        switch form {
        case .none: return targets
        case .layerNorm: return targets.layerNorm(nil, nil, eps: 1e-5)
        case .batchNorm:
            let (mean, std) = noGrad { targets.detached().channelMoments(counting: present) }
            return (targets - mean) / std.clamped(min: 1e-7)
        case .runningBatchNorm:
            return running.map { $0(targets, counting: present) } ?? targets
        case .runningScalar:
            let everywhere = present.map { $0.unsqueezed(-1).expanded(targets.shape) }
            return running.map {
                $0(targets.unsqueezed(-1), counting: everywhere).squeezed(-1)
            } ?? targets
        }
    }
}
