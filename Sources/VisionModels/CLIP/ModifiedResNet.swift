public import NN
public import Torch

/// The residual network of Radford et al., *Learning Transferable Visual Models From Natural Language
/// Supervision* (2021), section 2.4.
///
/// 1. a stem of three convolutions instead of one, then a pooling of means
/// 2. four stages of bottlenecks, whose strides are poolings of means before a convolution
/// 3. attention pooling: the mean of the last map asks all its cells
///
/// k-CLIP reads its visual tokens from the last map before the pooling. B images, w width,
/// D = 32 w channels of the last map, h × w' its cells, E the embedding's length. The model is used
/// for evaluation: batch norms have to be told so (`evaluate()`).
public final class ModifiedResNet: Module {
    let conv1: Convolution
    let bn1: BatchNorm
    let conv2: Convolution
    let bn2: BatchNorm
    let conv3: Convolution
    let bn3: BatchNorm
    let stages: [ResNetStage]
    let attnpool: AttentionPool
    public let config: Config

    public override class var stateNames: [String: String] { ["stages": "layer*"] }

    public init(_ config: Config, generator: Generator?) throws {
        try config.validate()
        self.config = config
        let width = config.width
        func convolution(_ inputs: Int, _ outputs: Int, stride: Int = 1) -> Convolution {
            Convolution(
                inputs, outputs, kernel: 3, stride: stride, padding: 1, bias: false,
                generator: generator)
        }
        conv1 = convolution(config.channels, width / 2, stride: 2)
        bn1 = BatchNorm(width / 2)
        conv2 = convolution(width / 2, width / 2)
        bn2 = BatchNorm(width / 2)
        conv3 = convolution(width / 2, width)
        bn3 = BatchNorm(width)
        stages = config.depths.enumerated().map { index, depth in
            let planes = width << index
            return ResNetStage(
                (0..<depth).map { block in
                    // The stem's channels, those of the stage before, or this one's own.
                    let inputs = block > 0 ? 4 * planes : index > 0 ? 2 * planes : width
                    return ResNetBottleneck(
                        inputs, planes: planes, stride: index > 0 && block == 0 ? 2 : 1,
                        generator: generator)
                })
        }
        attnpool = AttentionPool(
            config.lastWidth, cells: config.lastGrid.count, heads: config.heads,
            embedding: config.embedding, generator: generator)
    }
}

// MARK: - Forward

extension ModifiedResNet {
    /// The maps after each stage: `[B, 4w, H/4, W/4]`, then twice the channels and half the sides.
    public func maps(_ images: Tensor) -> [Tensor] {
        var x = bn1(conv1(images)).relu()
        x = bn2(conv2(x)).relu()
        x = bn3(conv3(x)).relu().averagePooled(2)
        return stages.map { stage in
            x = stage(x)
            return x
        }
    }

    /// The cells of the last map, `[B, C, H, W] -> [B, h·w', D]`.
    public func cells(_ images: Tensor) -> Tensor {
        guard let last = maps(images).last else { fatalError("the network has no stage") }
        return last.flattened(2).transposed(1, 2)
    }

    /// All tokens of the attention pooling, its mean's first: `[B, 1 + h·w', E]`.
    public func pooledTokens(_ images: Tensor) -> Tensor { attnpool.tokens(cells(images)) }

    /// The embedding of each image: `[B, C, H, W] -> [B, E]`.
    public func callAsFunction(_ images: Tensor) -> Tensor { attnpool(cells(images)) }
}

// MARK: - As any encoder

extension ModifiedResNet: VisionEncoder {
    public var imageSize: Int { config.imageSize }
    public var channels: Int { config.channels }
    public var width: Int { config.lastWidth }
    /// Blocks are counted by stages, whose maps alone can be asked for.
    public var blockCount: Int { stages.count }
    public var extraTokens: Int { 0 }
    public var hasClassToken: Bool { false }

    public func grid(height: Int, width: Int) -> PatchGrid {
        // The stem halves twice, rounding up and down, each further stage once.
        func side(_ length: Int) -> Int { ((length + 1) / 2 / 2) >> (stages.count - 1) }
        return PatchGrid(rows: side(height), columns: side(width))
    }

    public func widths(ofLast count: Int) -> [Int] {
        Array(stages.indices.map { 4 * config.width << $0 }.suffix(count))
    }

    public func lastBlocks(_ images: Tensor, count: Int) -> [Tensor] {
        maps(images).suffix(count).map { $0.flattened(2).transposed(1, 2) }
    }

    /// The network has no norm of tokens.
    public func final(_ tokens: Tensor) -> Tensor { tokens }

    /// The mean of the cells, `[B, N, D] -> [B, D]`; the model itself gives the embedding.
    public func pooled(_ tokens: Tensor) -> Tensor { tokens.mean(1) }
}
