public import NN
public import Torch

/// Cuts images into patches and projects each: a convolution whose stride is its kernel.
///
/// The convolution keeps PyTorch's initial distribution, U(±1/√(C p²)).
public final class PatchEmbedding: Module, PatchEmbedder {
    let proj: Convolution
    public let patchSize: Int
    public let channels: Int

    public init(
        patchSize: Int, channels: Int = 3, width: Int, bias: Bool = true, generator: Generator?
    ) {
        proj = Convolution(
            channels, width, kernel: patchSize, stride: patchSize, bias: bias,
            generator: generator)
        self.patchSize = patchSize
        self.channels = channels
    }

    /// Their pixels as `patchify` lays them out, `[B, N, p·p·C]`.
    public func patches(of images: Tensor) -> Tensor { patchify(images, patchSize: patchSize) }

    /// Embeds pixels that `patchify` laid out, `[…, p·p·C] -> […, D]`, such as the visible patches
    /// alone.
    ///
    /// A product with the flattened kernel: the convolution's numbers by the faster path of linear
    /// layers.
    public func callAsFunction(patches: Tensor) -> Tensor {
        // The kernel has its channels first, patchify has them last.
        patches.linear(proj.weight.permuted(0, 2, 3, 1).flattened(1), proj.bias)
    }

    public func initializeXavier(generator: Generator?) {
        Init.xavierUniformInPlace(proj.weight, generator: generator)
    }

    public func initializeTruncatedNormal(std: Double, generator: Generator?) {
        Init.truncatedNormalInPlace(proj.weight, std: std, generator: generator)
        noGrad { proj.bias?.zeroInPlace() }
    }
}
