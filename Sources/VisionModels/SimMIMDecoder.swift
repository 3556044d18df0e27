public import NN
public import Torch

/// The head of SimMIM: the pixels of each patch by one linear layer from its token.
///
/// Xie et al., *SimMIM: a Simple Framework for Masked Image Modeling* (2022), section 3.3. A 1 × 1
/// convolution to C r² channels and a shuffle of channels to pixels, r the size of a patch. In
/// checkpoints the convolution is `decoder.0`.
public final class SimMIMDecoder: Module, Layer {
    let conv: Convolution
    private let patchSize: Int

    public override class var stateNames: [String: String] { ["conv": "0"] }

    /// - Parameters:
    ///   - width: D.
    ///   - patchSize: r, pixels for each row and column of the grid; 32 for Swin, 16 for ViT.
    ///   - channels: C.
    ///   - generator: the source of the initial weights.
    public init(width: Int, patchSize: Int, channels: Int = 3, generator: Generator?) {
        conv = Convolution(
            width, channels * patchSize * patchSize, kernel: 1, generator: generator)
        self.patchSize = patchSize
    }

    /// Images `[B, C, r rows, r columns]` from tokens on their grid, `[B, D, rows, columns]`.
    public func callAsFunction(_ x: Tensor) -> Tensor { conv(x).pixelShuffled(patchSize) }
}
