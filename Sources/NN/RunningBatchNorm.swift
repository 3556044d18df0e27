public import Torch

/// Each channel at zero mean and unit deviation by statistics that run along in training and are
/// used in training too.
///
/// y = (x − mean) / max(std, ε). Batch norm proper normalises with the batch's own statistics in
/// training; here they first move the running ones, by one part in a hundred, and no gradient flows
/// through them. Colton, *Elucidating the Role of Feature Normalization in IJEPA* (2025).
public final class RunningBatchNorm: Module, Layer {
    @Buffer var isInitted: Tensor  // [1], 1 once a batch was seen
    @Buffer var runningMean: Tensor  // [D]
    @Buffer var runningStd: Tensor  // [D], unbiased
    private let momentum: Double
    private let eps: Double

    /// - Parameters:
    ///   - width: D; 1 for one mean and one deviation of all channels.
    ///   - momentum: the share of a batch in the running statistics, of all but the first.
    ///   - eps: the smallest deviation that is divided by.
    public init(_ width: Int, momentum: Double = 0.01, eps: Double = 1e-5) {
        isInitted = Init.zeros([1])
        runningMean = Init.zeros([width])
        runningStd = Init.ones([width])
        self.momentum = momentum
        self.eps = eps
    }

    /// `[…, D] -> […, D]`; in training every token counts.
    public func callAsFunction(_ x: Tensor) -> Tensor { self(x, counting: nil) }

    /// - Parameters:
    ///   - x: `[…, D]`.
    ///   - present: `[…]`, true for the tokens that count in the statistics; nil for all. In training
    ///     there have to be two of them.
    /// - Returns: of all tokens, `[…, D]`.
    public func callAsFunction(_ x: Tensor, counting present: Tensor?) -> Tensor {
        if isTraining { noGrad { update(x.detached(), present) } }
        return (x - runningMean) / runningStd.clamped(min: eps)
    }

    private func update(_ x: Tensor, _ present: Tensor?) {
        let (mean, std) = x.channelMoments(counting: present)
        let isFirst = isInitted .== 0
        for (running, batch) in [(runningMean, mean), (runningStd, std)] {
            // The first batch replaces what no batch has set.
            let moved = running + (batch - running) * momentum
            running.copyInPlace(isFirst.select(batch, else: moved))
        }
        isInitted.fillInPlace(1)
    }
}

extension Tensor {
    /// The mean and the unbiased deviation of each channel of `[…, D]`, over the tokens for which
    /// `present` `[…]` is true, `[D]` each.
    package func channelMoments(counting present: Tensor?) -> (mean: Tensor, std: Tensor) {
        let values = reshaped(-1, shape[rank - 1]).to(dtype: .float32)  // [N, D]
        guard let present else { return (values.mean(0), values.variance(0).sqrt()) }
        let isThere = present.reshaped(-1, 1)
        let count = isThere.to(dtype: .float32).sum()
        let zero = Tensor.zeros([], device: device)
        let mean = isThere.select(values, else: zero).sum(0) / count
        let squares = isThere.select((values - mean).squared(), else: zero).sum(0)
        return (mean, (squares / (count - 1)).sqrt())
    }
}
