public import NN
public import Torch

/// Cuts images into patches and projects each: a convolution whose stride is its kernel.
///
/// `[B, C, H, W] -> [B, N, D]`, patches row by row. Rows and columns beyond the last whole patch
/// are dropped. The convolution keeps PyTorch's initial distribution, U(±1/√(C p²)).
public final class PatchEmbedding: Module {
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

    /// The grid of the whole patches of an image of a size in pixels.
    public func grid(height: Int, width: Int) -> PatchGrid {
        PatchGrid(rows: height / patchSize, columns: width / patchSize)
    }

    public func callAsFunction(_ images: Tensor) -> Tensor {
        let (_, c, height, width) = images.shape4
        require(c == channels, "the model takes \(channels) channels, the images have \(c)")
        let grid = grid(height: height, width: width)
        require(grid.count > 0, "\(height)×\(width) pixels hold no patch of \(patchSize)")
        let p = patchSize
        let whole = images[0..., 0..., ..<(grid.rows * p), ..<(grid.columns * p)]
        return callAsFunction(patches: patchify(whole, patchSize: p))
    }

    /// Embeds pixels that `patchify` laid out, `[…, p·p·C] -> […, D]`, such as the visible patches
    /// alone.
    ///
    /// A product with the flattened kernel: the convolution's numbers by the faster path of linear
    /// layers.
    public func callAsFunction(patches: Tensor) -> Tensor {
        // The kernel has its channels first, patchify has them last.
        patches.linear(proj.weight.permuted(0, 2, 3, 1).flattened(1), proj.bias)
    }

    /// The kernel viewed as a matrix drawn from Xavier's uniform distribution, as MAE starts it.
    public func initializeXavier(generator: Generator?) {
        Init.xavierUniformInPlace(proj.weight, generator: generator)
    }

    /// The kernel drawn from the normal distribution cut at ±2, the bias zero, as I-JEPA starts them.
    public func initializeTruncatedNormal(std: Double, generator: Generator?) {
        Init.truncatedNormalInPlace(proj.weight, std: std, generator: generator)
        noGrad { proj.bias?.zeroInPlace() }
    }
}
