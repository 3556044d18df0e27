public import Torch

/// Batch normalisation of `[B, D]`, with running statistics for evaluation.
///
/// In training the batch's own statistics normalise (biased variance) and the running ones move
/// towards them by `momentum` (unbiased variance).
public final class BatchNorm: Module, Layer {
    @Parameter var weight: Tensor?  // [D]
    @Parameter var bias: Tensor?  // [D]
    @Buffer var runningMean: Tensor  // [D]
    @Buffer var runningVar: Tensor  // [D]
    @Buffer var numBatchesTracked: Tensor  // int64 scalar
    let momentum: Double
    let eps: Double

    public init(_ width: Int, affine: Bool = true, momentum: Double = 0.1, eps: Double = 1e-5) {
        weight = affine ? Init.ones([width]) : nil
        bias = affine ? Init.zeros([width]) : nil
        runningMean = Init.zeros([width])
        runningVar = Init.ones([width])
        numBatchesTracked = Tensor(scalar: 0)
        self.momentum = momentum
        self.eps = eps
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        if isTraining { numBatchesTracked.addInPlace(Tensor(scalar: 1)) }
        return x.batchNorm(
            weight: weight, bias: bias, runningMean: runningMean, runningVariance: runningVar,
            training: isTraining, momentum: momentum, eps: eps)
    }
}
