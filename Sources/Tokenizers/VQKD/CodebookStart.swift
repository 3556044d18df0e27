public import Torch

/// The few steps of k-means that a codebook starts from.
///
/// Each vector goes to its nearest mean, each mean becomes that of its vectors; one without vectors
/// stays. N vectors of length C, K means.
public enum CodebookStart: Sendable {
    /// Nearness is the dot product, and means are brought to unit length: VQ-KD.
    case cosine
    /// Nearness is the Euclidean distance.
    case euclidean

    /// - Parameters:
    ///   - vectors: `[N, C]`.
    ///   - start: the first means, `[K, C]`.
    ///   - iterations: how often means are computed.
    /// - Returns: the means `[K, C]` and, int64, how many vectors each had in the last step, `[K]`.
    public func run(
        _ vectors: Tensor, from start: Tensor, iterations: Int = 10
    ) -> (means: Tensor, counts: Tensor) {
        var means = start
        var counts = Tensor.zeros([start.shape[0]])
        for _ in 0..<iterations {
            let nearest =
                self == .cosine
                ? vectors.matmul(means.transposed()).argmax(1)
                : Self.distances(vectors, means).min(1).indices
            counts = vectors.counts(of: nearest, classCount: means.shape[0])
            means = vectors.means(
                of: nearest, counts: counts, else: means, isNormed: self == .cosine)
        }
        return (means, counts.to(dtype: .int64))
    }

    /// ‖z − e‖² for every vector and every code, `[N, K]`.
    static func distances(_ vectors: Tensor, _ codes: Tensor) -> Tensor {
        vectors.squared().sum(1, keepDim: true) + codes.squared().sum(1)
            - vectors.matmul(codes.transposed()) * 2
    }

    /// `count` of the vectors at random, different ones where there are as many.
    static func draw(_ count: Int, of vectors: Tensor, generator: Generator?) -> Tensor {
        let total = vectors.shape[0]
        let chosen =
            total >= count
            ? Tensor.permutation(total, generator: generator)[..<count]
            : (Tensor.uniform([count], generator: generator) * Double(total)).floor()
                .to(dtype: .int64)
        return vectors.selectingRows(chosen.to(vectors.device))
    }
}

extension Tensor {
    /// How many of the vectors `[N, C]` have each code, `[K]` in their type.
    func counts(of codes: Tensor, classCount: Int) -> Tensor {
        Tensor.zeros([classCount], dtype: dtype, device: device)
            .scatterAdding(
                .ones([shape[0]], dtype: dtype, device: device), at: codes, 0)
    }

    /// The mean of the vectors `[N, C]` of each code, `[K, C]`; codes without any keep `other`.
    func means(of codes: Tensor, counts: Tensor, else other: Tensor, isNormed: Bool) -> Tensor {
        let (_, width) = shape2
        let sums = Tensor.zeros(like: other)
            .scatterAdding(self, at: codes.unsqueezed(1).expanded([-1, width]), 0)
        let means = sums / counts.clamped(min: 1).unsqueezed(1)
        return (counts .> 0).unsqueezed(1).select(
            isNormed ? means.normalized() : means, else: other)
    }
}
