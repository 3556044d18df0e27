public import NN
public import Torch

/// An encoder of images into tokens, of which those of patches lie on a grid.
///
/// What evaluation and analysis ask of a model, so that they take vision transformers, Swin and
/// residual networks alike. B images, C channels, T tokens, of which E come before the patches, D
/// width.
public protocol VisionEncoder: Module {
    /// Height and width in pixels of the images that the model is made for.
    var imageSize: Int { get }
    /// C.
    var channels: Int { get }
    /// D after the last block.
    var width: Int { get }
    /// The number of blocks whose output can be asked for.
    var blockCount: Int { get }
    /// E.
    var extraTokens: Int { get }
    /// Whether token 0 stands for the whole image.
    var hasClassToken: Bool { get }

    /// The grid of the patches after the last block, for images of a size in pixels.
    func grid(height: Int, width: Int) -> PatchGrid

    /// Throws `ConfigurationError` where images of a size in pixels cannot be taken.
    func requireSize(height: Int, width: Int) throws

    /// The width of the tokens after each of the last `count` blocks, earliest first.
    func widths(ofLast count: Int) -> [Int]

    /// The tokens `[B, T, D]` after each of the last `count` blocks, earliest first, without the final
    /// norm.
    ///
    /// - Parameters:
    ///   - images: `[B, C, H, W]`.
    ///   - count: from 1 to `blockCount`.
    /// - Returns: as many as asked for.
    func lastBlocks(_ images: Tensor, count: Int) -> [Tensor]

    /// The final norm of every token, `[B, T, D]`; the identity in models that have none.
    func final(_ tokens: Tensor) -> Tensor

    /// What stands for the whole image, of tokens that went through `final`: `[B, T, D] -> [B, D]`.
    func pooled(_ tokens: Tensor) -> Tensor
}

extension VisionEncoder {
    /// Most take any size.
    public func requireSize(height: Int, width: Int) throws {}

    public func widths(ofLast count: Int) -> [Int] { Array(repeating: width, count: count) }

    /// The grid of the patches for the images that the model is made for.
    public var grid: PatchGrid { grid(height: imageSize, width: imageSize) }

    /// The grid of the patches of images `[B, C, H, W]`.
    public func grid(of images: Tensor) -> PatchGrid {
        let (_, _, height, width) = images.shape4
        return grid(height: height, width: width)
    }

    /// What stands for each image: `[B, C, H, W] -> [B, D]`.
    public func feature(_ images: Tensor) -> Tensor {
        guard let last = lastBlocks(images, count: 1).last else {
            fatalError("the encoder has no block")
        }
        return pooled(final(last))
    }
}
