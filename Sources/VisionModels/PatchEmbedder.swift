public import NN
public import Torch

/// Makes the tokens of images: by one linear map of each patch (`PatchEmbedding`), or by a few convolutions
/// (`ConvolutionalStem`).
///
/// In two steps, so that a model that sees some of the patches makes no token of the others.
public protocol PatchEmbedder: Module {
    /// Height and width in pixels of what a token stands for.
    var patchSize: Int { get }
    /// Of the images.
    var channels: Int { get }

    /// What every patch brings to its token, row by row.
    ///
    /// - Parameter images: of whole patches, `[B, C, H, W]`.
    /// - Returns: `[B, N, F]`.
    func patches(of images: Tensor) -> Tensor

    /// The tokens of such patches, or of some of them: `[…, F] -> […, D]`.
    func callAsFunction(patches: Tensor) -> Tensor

    /// Kernels viewed as matrices drawn from Xavier's uniform distribution, as MAE starts them.
    func initializeXavier(generator: Generator?)

    /// Kernels drawn from the normal distribution cut at ±2, biases zero, as I-JEPA starts them.
    func initializeTruncatedNormal(std: Double, generator: Generator?)
}

extension PatchEmbedder {
    /// The grid of the whole patches of an image of a size in pixels.
    public func grid(height: Int, width: Int) -> PatchGrid {
        PatchGrid(rows: height / patchSize, columns: width / patchSize)
    }

    /// The tokens of images, row by row: `[B, C, H, W] -> [B, N, D]`.
    ///
    /// Rows and columns beyond the last whole patch are dropped.
    public func callAsFunction(_ images: Tensor) -> Tensor {
        let (_, c, height, width) = images.shape4
        require(c == channels, "the model takes \(channels) channels, the images have \(c)")
        let grid = grid(height: height, width: width)
        require(grid.count > 0, "\(height)×\(width) pixels hold no patch of \(patchSize)")
        let p = patchSize
        return self(
            patches: patches(of: images[0..., 0..., ..<(grid.rows * p), ..<(grid.columns * p)]))
    }
}
