public import NN
public import Torch

/// A linear classifier on a part of a feature, behind a batch normalisation with scale and shift where
/// wanted: VISSL's `mlp` and `eval_mlp`.
public final class LinearHead: Module {
    let channelBn: BatchNorm?
    let linear: Linear
    /// The part of the feature that it sees.
    public let columns: Range<Int>

    /// - Parameters:
    ///   - columns: of the feature.
    ///   - classCount: the outputs.
    ///   - normalizes: whether a batch normalisation comes first.
    ///   - generator: the source of the weights, PyTorch's uniform distribution on ±1/√width.
    public init(
        columns: Range<Int>, classCount: Int, normalizes: Bool, generator: Generator?
    ) {
        self.columns = columns
        channelBn = normalizes ? BatchNorm(columns.count) : nil
        linear = Linear(columns.count, classCount, generator: generator)
    }

    /// `[B, D] -> [B, classes]`.
    public func callAsFunction(_ features: Tensor) -> Tensor {
        let part = features[0..., columns]
        return linear(channelBn.map { $0(part) } ?? part)
    }
}
