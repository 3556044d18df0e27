import Torch

/// Assignments of rows to prototypes by which every prototype gets the same share.
///
/// Cuturi, *Sinkhorn Distances* (2013), as SwAV and DINOv2 use it: columns, then rows, of exp(logits)
/// are scaled to equal sums, `iterations` times; a row's assignments sum to 1. In logarithms, where a row
/// far below the others does not vanish.
///
/// - Parameters:
///   - parts: the logits of all rows, `[R, K]` of each part of them, divided by the temperature already.
///   - iterations: 3 in DINOv2.
/// - Returns: of the shapes of `parts`.
func sinkhornKnopp(_ parts: [Tensor], iterations: Int = 3) -> [Tensor] {
    guard !parts.isEmpty else { return [] }
    // One part after another, so that little more than all of them is held at once.
    var scaled = parts
    for _ in 0..<iterations {
        let columns = stacked(scaled.map { $0.logSumExp(0) }).logSumExp(0)  // [K]
        for index in scaled.indices {
            let part = scaled[index] - columns
            scaled[index] = part - part.logSumExp(1, keepDim: true)
        }
    }
    for index in scaled.indices { scaled[index] = scaled[index].exp() }
    return scaled
}
