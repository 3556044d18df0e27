public import NN
public import Torch

/// The codebook of VQ-KD: each vector is replaced by the code that its direction is nearest to.
///
/// Peng et al., *BEiT v2: Masked Image Modeling with Vector-Quantized Visual Tokenizers* (2022),
/// section 3.1; the codes follow the vectors by moving averages, van den Oord et al., *Neural Discrete
/// Representation Learning* (2017), appendix A.1:
///
/// 1. z ← z / ‖z‖
/// 2. code = argmin ‖z − e‖², with e of unit length
/// 3. L = β · mean (z_q − z)², the codes taken as constants
/// 4. in training e ← normed(d · e + (1 − d) · normed(mean of its vectors))
///
/// B pictures, C the length of a code, K codes, N = B·h·w vectors.
public final class VectorQuantizer: Module {
    @Buffer public var clusterSize: Tensor  // [K], moving average of how many vectors a code has
    public let embedding: Codebook
    private let decay: Double
    private let beta: Double
    private let generator: Generator?

    /// - Parameters:
    ///   - count: K.
    ///   - width: C.
    ///   - decay: d.
    ///   - beta: β.
    ///   - generator: the source of the first codes.
    public init(
        count: Int, width: Int, decay: Double = 0.99, beta: Double = 1, generator: Generator?
    ) {
        clusterSize = Init.zeros([count])
        embedding = Codebook(count: count, width: width)
        (self.decay, self.beta, self.generator) = (decay, beta, generator)
    }

    /// The vectors replaced by their codes, with the loss.
    ///
    /// The result has the codes' values and gives its gradient to the normed vectors. In training the
    /// codes move after the result is taken, and before the first batch they start from its k-means. In
    /// evaluation too the vectors of each code are counted, as the reference does.
    ///
    /// - Parameter z: `[B, C, h, w]`.
    /// - Returns: the codes' vectors `[B, C, h, w]`, the codes int64 `[N]`, and the loss.
    public func callAsFunction(_ z: Tensor) -> (quantized: Tensor, codes: Tensor, loss: Tensor) {
        let (b, c, h, w) = z.shape4
        let normed = z.permuted(0, 2, 3, 1).normalized()  // [B, h, w, C]
        let vectors = normed.reshaped(-1, c)
        if isTraining { embedding.startIfNew(from: vectors.detached(), generator: generator) }
        let codes = embedding.nearest(vectors.detached())
        let chosen = embedding.weight.detached().selectingRows(codes).reshaped(b, h, w, c)
        noGrad { follow(vectors.detached(), codes) }
        let loss = normed.meanSquaredError(chosen) * beta
        let quantized = normed + (chosen - normed).detached()
        return (quantized.permuted(0, 3, 1, 2), codes, loss)
    }

    /// The codes alone, int64 `[B, h·w]`, of vectors `[B, C, h, w]`; nothing is counted.
    public func codes(_ z: Tensor) -> Tensor {
        let (b, c, h, w) = z.shape4
        return embedding.nearest(z.permuted(0, 2, 3, 1).normalized().reshaped(-1, c))
            .reshaped(b, h * w)
    }

    /// Counts the vectors of each code and, in training, moves the codes towards them.
    private func follow(_ vectors: Tensor, _ codes: Tensor) {
        let counts = vectors.counts(of: codes, classCount: clusterSize.shape[0])  // [K]
        clusterSize.interpolateInPlace(towards: counts, weight: 1 - decay)
        guard isTraining else { return }
        let weight = embedding.weight
        let means = vectors.means(of: codes, counts: counts, else: weight, isNormed: true)
        weight.copyInPlace((weight * decay + means * (1 - decay)).normalized())
    }
}
