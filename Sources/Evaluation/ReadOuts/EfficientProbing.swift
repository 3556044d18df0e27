public import NN
public import Torch

/// Efficient probing: Psomas et al., *Attention, Please! Revisiting Attentive Probing Through the Lens of
/// Efficiency* (2025).
///
/// 1. a_m = softmax over the tokens of x q_m / √D, for M learned queries, without projections
/// 2. v = W x, cut into M parts along the width
/// 3. result: the parts Σ_t a_mt v_t^(m) side by side
///
/// M·D + D²/o parameters for a result of D/o numbers.
public final class EfficientProbing: Module, ReadOut {
    @Parameter var clsToken: Tensor  // [1, M, D]
    let v: Linear
    public let width: Int

    /// - Parameters:
    ///   - inputWidth: D.
    ///   - queries: M; 32 in the paper.
    ///   - outputDivisor: o; D is a multiple of M · o.
    ///   - generator: the source of the initial weights.
    public init(inputWidth: Int, queries: Int = 32, outputDivisor: Int = 1, generator: Generator?) {
        require(
            inputWidth % (queries * outputDivisor) == 0,
            "\(queries) queries and an output divided by \(outputDivisor) do not fit \(inputWidth)")
        width = inputWidth / outputDivisor
        clsToken = Init.normal([1, queries, inputWidth], std: 0.02, generator: generator)
        v = Linear(inputWidth, width, bias: false, generator: generator)
    }

    public func withWeights(_ tokens: Tensor) -> (pooled: Tensor, weights: Tensor) {
        let (b, t, d) = tokens.shape3
        let m = clsToken.shape[1]
        let weights = (clsToken * (1 / Double(d).squareRoot()))
            .matmul(tokens.transposed(1, 2)).softmax(-1)  // [B, M, T]
        let values = v(tokens).reshaped(b, t, m, width / m).transposed(1, 2)  // [B, M, T, D′/M]
        return (weights.unsqueezed(2).matmul(values).reshaped(b, width), weights)
    }
}
