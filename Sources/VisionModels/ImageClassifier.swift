public import NN
public import Torch

/// An encoder with a linear classifier on what stands for the image: B images, K classes.
public protocol ImageClassifier: Module {
    var encoder: any VisionEncoder { get }
    /// K.
    var classCount: Int { get }
    /// The sides of images are multiples of this, in pixels.
    var patchSize: Int { get }

    /// Whether the classifier sees a mean of cells and nothing else.
    var seesMean: Bool { get }

    /// The logits: `[B, C, H, W] -> [B, K]`.
    func callAsFunction(_ images: Tensor) -> Tensor

    /// The logits of means of cells after the final norm, `[…, D] -> […, K]`, where `seesMean`.
    func logits(ofMeans means: Tensor) -> Tensor
}

extension ImageClassifier {
    /// The logits of pictures that are larger than those of training, by test-time pooling: `[B, K]`.
    ///
    /// 1. cells after the final norm, on their grid
    /// 2. their mean in every window of the size of the grid in training, one cell apart
    /// 3. the classifier on each of these means
    /// 4. the mean of the windows' mean logits and of their largest: timm's `TestTimePoolHead`, whose
    ///    convolutional networks have such a grid too
    ///
    /// Only where `seesMean`. At the size of training there is one window, and the logits are those of
    /// the model.
    public func testTimePooled(_ images: Tensor) -> Tensor {
        require(seesMean, "test-time pooling needs a classifier of a mean of cells")
        guard let last = encoder.lastBlocks(images, count: 1).last else {
            fatalError("the encoder has no block")
        }
        let cells = encoder.final(last)[0..., encoder.extraTokens...]  // [B, N, D]
        let (grid, window) = (encoder.grid(of: images), encoder.grid)
        require(
            grid.rows >= window.rows && grid.columns >= window.columns,
            "test-time pooling needs pictures of the size of training or larger")
        let map = cells.transposed(1, 2)
            .reshaped(cells.shape[0], cells.shape[2], grid.rows, grid.columns)
        let means = map.averagePooled(window.rows, stride: 1)  // [B, D, r, c]
        let logits = logits(ofMeans: means.flattened(2).transposed(1, 2))  // [B, r·c, K]
        return (logits.mean(1) + logits.max(1).values) / 2
    }
}
