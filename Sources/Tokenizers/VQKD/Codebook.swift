public import NN
public import Torch

/// The codes of a vector quantiser and what is known of them.
public final class Codebook: Module {
    @Buffer public var weight: Tensor  // [K, C], of unit length
    @Buffer var clusterSize: Tensor  // [K], vectors of each code in the last step of k-means
    @Buffer var embedAvg: Tensor  // [K, C], saved by the reference, used by nothing
    @Buffer var initted: Tensor  // [1], 1 once the codes have started

    /// Codes of zero, which the first batch in training replaces.
    public init(count: Int, width: Int) {
        weight = Init.zeros([count, width])
        clusterSize = Init.zeros([count])
        embedAvg = Init.zeros([count, width])
        initted = Init.zeros([1])
    }

    /// The code with the least ‖z − e‖² for each vector, int64: `[N, C] -> [N]`.
    public func nearest(_ vectors: Tensor) -> Tensor {
        CodebookStart.distances(vectors, weight).min(1).indices
    }

    /// Starts the codes with the k-means of vectors `[N, C]`, unless they have started.
    func startIfNew(from vectors: Tensor, generator: Generator?) {
        guard initted.item == 0 else { return }
        noGrad {
            let (codes, counts) = CodebookStart.cosine.run(
                vectors,
                from: CodebookStart.draw(weight.shape[0], of: vectors, generator: generator))
            weight.copyInPlace(codes)
            clusterSize.copyInPlace(counts)
            initted.copyInPlace(.ones([1]))
        }
    }
}
