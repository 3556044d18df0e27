import NN
import Torch

/// The regulariser of Sablayrolles et al., *Spreading Vectors for Similarity Search* (2019), that
/// DINOv2 adds: minus the mean logarithm of the distance to the nearest other feature of the batch.
///
/// - Parameter features: `[B, D]`, brought to unit length.
/// - Returns: a scalar; nil of a single picture, which has no neighbour.
func koLeo(_ features: Tensor) -> Tensor? {
    let count = features.shape[0]
    guard count > 1 else { return nil }
    let x = features.atLeastFloat32.normalized(eps: 1e-8)
    // Neighbours of trained features differ by less than a bfloat16 can tell.
    let cosines = withoutAutocast(on: x.device) { noGrad { x.matmul(x.transposed()) } }
    // Cosines are at most 1: nobody is its own neighbour.
    let nearest = (cosines - Tensor.identity(count, dtype: x.dtype, device: x.device) * 3).argmax(1)
    let distances = (x - x.selecting(nearest, 0) + 1e-8).norm(-1)
    return -(distances + 1e-8).log().mean()
}
