import NN
public import Torch

extension VisionTransformer {
    /// Starts every linear layer and the patch embedding from Xavier's uniform distribution with
    /// zero bias, and the class token from N(0, 0.02²), as MAE does.
    ///
    /// The bias of the patch embedding keeps PyTorch's distribution for convolutions.
    public func initializeXavier(generator: Generator?) {
        patchEmbed.initializeXavier(generator: generator)
        for block in blocks { block.initializeXavier(generator: generator) }
        noGrad { clsToken?.fillNormalInPlace(std: 0.02, generator: generator) }
    }

    /// Starts positions, class token and every linear weight from the normal distribution, and
    /// linear biases at zero, as ViT, DINO and iBOT do.
    ///
    /// Their truncation is at ±2, that is 100 standard deviations.
    public func initializeTruncatedNormal(std: Double = 0.02, generator: Generator?) {
        for tensor in [learnedPositions, clsToken].compactMap({ $0 }) {
            Init.truncatedNormalInPlace(tensor, std: std, generator: generator)
        }
        for block in blocks { block.initializeTruncatedNormal(std: std, generator: generator) }
    }
}
