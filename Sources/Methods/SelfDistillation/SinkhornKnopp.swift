import Torch

/// Assignments of rows to prototypes by which every prototype gets the same share, `[R, K]`.
///
/// Cuturi, *Sinkhorn Distances* (2013), as SwAV and DINOv2 use it: columns, then rows, of exp(logits)
/// are scaled to equal sums, `iterations` times; a row's assignments sum to 1. In logarithms, where a row
/// far below the others does not vanish.
///
/// - Parameters:
///   - logits: divided by the temperature already.
///   - iterations: 3 in DINOv2.
/// - Returns: of the shape of `logits`.
func sinkhornKnopp(_ logits: Tensor, iterations: Int = 3) -> Tensor {
    var scaled = logits
    for _ in 0..<iterations {
        scaled = scaled - scaled.logSumExp(0, keepDim: true)
        scaled = scaled - scaled.logSumExp(1, keepDim: true)
    }
    return scaled.exp()
}
