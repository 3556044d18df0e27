public import NN
public import Torch

/// The decoder of Xie et al., *SimMIM: a Simple Framework for Masked Image Modeling* (2022): one
/// linear layer from each cell to the pixels under it.
///
/// A 1 × 1 convolution from D to s²·C channels, whose channels then become pixels: `[B, D, h, w]` to
/// `[B, C, h·s, w·s]`, s being 32 for Swin and the patch size for ViT.
public final class SimMIMDecoder: Module, Layer {
    let proj: Convolution
    private let stride: Int

    public override class var stateNames: [String: String] { ["proj": "0"] }

    /// - Parameters:
    ///   - width: D, of the encoder's last block.
    ///   - stride: s, the pixels that a cell is wide.
    ///   - channels: C, of the pictures.
    ///   - generator: the source of the initial weights.
    public init(_ width: Int, stride: Int, channels: Int = 3, generator: Generator?) {
        proj = Convolution(width, stride * stride * channels, kernel: 1, generator: generator)
        self.stride = stride
    }

    public func callAsFunction(_ cells: Tensor) -> Tensor {
        proj(cells).pixelShuffled(stride)
    }
}
