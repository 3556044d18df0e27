public import NN
public import Torch

/// The transformer of Liu et al., *Swin Transformer: Hierarchical Vision Transformer using Shifted
/// Windows* (2021), as iBOT and SimMIM pre-train it.
///
/// 1. embed patches of 4 × 4 pixels and norm them; replace masked ones where a mask is given
/// 2. stages of blocks, whose attention stays inside windows that every other block shifts
/// 3. between stages, 2 × 2 cells become one of twice the width
/// 4. a final layer norm; the image's feature is the mean of all cells
///
/// B images, C width of the first stage, S stages, D = C·2^(S−1) width of the last, N cells in the
/// last. Images of any size are taken: grids that a window does not divide are padded with zeros, as
/// in iBOT; where it divides them, SimMIM's numbers are the same.
public final class SwinTransformer: Module {
    @Parameter var absolutePosEmbed: Tensor?  // [1, grid, C]
    @Parameter public var maskedEmbed: Tensor?  // [1, C]
    @Parameter public var maskToken: Tensor?  // [1, 1, C]
    public let patchEmbed: PatchEmbedding
    let patchNorm: LayerNorm?
    public let layers: [SwinStage]
    let norm: LayerNorm
    public let config: Config

    public override class var stateNames: [String: String] { ["patchNorm": "patch_embed.norm"] }

    /// Linear weights, tables and learned tokens start from N(0, 0.02²), iBOT's `masked_embed` at
    /// zero, biases at zero; the convolution from PyTorch's distribution.
    public init(_ config: Config, generator: Generator?) throws {
        try config.validate()
        self.config = config
        let drawn = { (shape: [Int]) in Init.normal(shape, std: 0.02, generator: generator) }
        absolutePosEmbed =
            config.absolutePositions ? drawn([1, config.grid.count, config.width]) : nil
        maskedEmbed = config.maskedPatches == .maskedEmbed ? Init.zeros([1, config.width]) : nil
        maskToken = config.maskedPatches == .maskToken ? drawn([1, 1, config.width]) : nil
        patchEmbed = PatchEmbedding(
            patchSize: config.patchSize, channels: config.channels, width: config.width,
            generator: generator)
        patchNorm = config.patchNorm ? LayerNorm(config.width, eps: config.normEps) : nil
        let rates = DropPath.rates(depth: config.depths.reduce(0, +), last: config.dropPath)
        let masks = WindowMasks()
        layers = config.depths.indices.map { stage in
            let first = config.depths[..<stage].reduce(0, +)
            let width = config.width << stage
            let blocks = (0..<config.depths[stage]).map { index in
                SwinBlock(
                    width, heads: config.heads[stage], grid: config.grid(ofStage: stage),
                    isShifted: index % 2 == 1, dropPath: rates[first + index], config,
                    masks: masks, generator: generator)
            }
            let isLast = stage == config.depths.count - 1
            return SwinStage(
                blocks: blocks,
                downsample: isLast
                    ? nil : PatchMerging(width, eps: config.normEps, generator: generator))
        }
        norm = LayerNorm(config.width << (config.depths.count - 1), eps: config.normEps)
        super.init()
        initializeLinearLayers(generator: generator)
    }

    private func initializeLinearLayers(generator: Generator?) {
        for layer in layers {
            for linear in layer.blocks.flatMap(\.linearLayers) {
                linear.initializeTruncatedNormal(std: 0.02, generator: generator)
            }
            layer.downsample?.reduction.initializeTruncatedNormal(std: 0.02, generator: generator)
        }
    }
}

// MARK: - Forward

extension SwinTransformer {
    /// The first stage's input: patches through their norm, masked ones replaced, with positions.
    ///
    /// - Parameters:
    ///   - images: `[B, channels, H, W]`.
    ///   - mask: `[B, rows, columns]`, true or 1 where a patch is replaced by the model's token; its
    ///     grid divides that of the patches and is repeated to it.
    /// - Returns: `[B, patches, C]`.
    public func tokens(_ images: Tensor, mask: Tensor? = nil) -> Tensor {
        let grid = patchEmbed.grid(of: images)
        var x = patchEmbed(images)
        if let patchNorm { x = patchNorm(x) }
        if let mask {
            guard let token = maskedEmbed ?? maskToken else {
                fatalError("the model was made without a token for masked patches")
            }
            x = Self.repeating(mask, to: grid).select(token.to(dtype: x.dtype), else: x)
        }
        guard let absolutePosEmbed else { return x }
        return x
            + config.positionResize.apply(
                absolutePosEmbed, from: config.grid, to: grid, extraTokens: 0)
    }

    /// A mask of a coarse grid on a finer one, as truth values: `[B, r, c] -> [B, grid, 1]`.
    private static func repeating(_ mask: Tensor, to grid: PatchGrid) -> Tensor {
        let (b, rows, columns) = mask.shape3
        require(
            grid.rows % rows == 0 && grid.columns % columns == 0,
            "a mask of \(rows)×\(columns) does not divide \(grid) patches")
        let fine = [b, rows, grid.rows / rows, columns, grid.columns / columns]
        return mask.to(dtype: .bool).reshaped(b, rows, 1, columns, 1).expanded(fine)
            .reshaped(b, grid.count, 1)
    }

    /// The cells after the final norm: `[B, channels, H, W] -> [B, N, D]`.
    public func callAsFunction(_ images: Tensor, mask: Tensor? = nil) -> Tensor {
        let tokens = tokens(images, mask: mask)
        return final(run(tokens, on: patchEmbed.grid(of: images)) { $0($1, on: $2) })
    }

    /// Cells with their mean before them, which stands for the image in iBOT: `[B, N, D]` to
    /// `[B, 1 + N, D]`.
    public func prependingMean(_ cells: Tensor) -> Tensor {
        concatenated([cells.mean(1, keepDim: true), cells], 1)
    }

    /// The attention weights `[B·W, heads, n, n]` of the windows in every block, earliest first.
    public func attentionWeights(_ images: Tensor) -> [Tensor] {
        var found: [Tensor] = []
        run(tokens(images), on: patchEmbed.grid(of: images)) { block, x, grid in
            let (output, weights) = block.withWeights(x, on: grid)
            found.append(weights)
            return output
        }
        return found
    }

    /// Runs the blocks in order, merging patches between stages; `body` computes a block's output.
    @discardableResult
    private func run(
        _ tokens: Tensor, on grid: PatchGrid, _ body: (SwinBlock, Tensor, PatchGrid) -> Tensor
    ) -> Tensor {
        var (x, grid) = (tokens, grid)
        for layer in layers {
            for block in layer.blocks { x = body(block, x, grid) }
            guard let downsample = layer.downsample else { continue }
            x = downsample(x, on: grid)
            grid = PatchMerging.grid(after: grid)
        }
        return x
    }
}

// MARK: - As any encoder

extension SwinTransformer: VisionEncoder {
    public var imageSize: Int { config.imageSize }
    public var channels: Int { config.channels }
    /// D, of the last stage.
    public var width: Int { config.lastWidth }
    public var blockCount: Int { config.depths.reduce(0, +) }
    public var extraTokens: Int { 0 }
    public var hasClassToken: Bool { false }

    public func grid(height: Int, width: Int) -> PatchGrid {
        layers.dropLast().reduce(patchEmbed.grid(height: height, width: width)) { grid, _ in
            PatchMerging.grid(after: grid)
        }
    }

    public func widths(ofLast count: Int) -> [Int] {
        Array(
            config.depths.enumerated().flatMap { stage, depth in
                Array(repeating: config.width << stage, count: depth)
            }.suffix(count))
    }

    public func lastBlocks(_ images: Tensor, count: Int) -> [Tensor] {
        var outputs: [Tensor] = []
        let skipped = blockCount - count
        var index = 0
        run(tokens(images), on: patchEmbed.grid(of: images)) { block, x, grid in
            let output = block(x, on: grid)
            if index >= skipped { outputs.append(output) }
            index += 1
            return output
        }
        return outputs
    }

    /// The final layer norm of the last stage's cells; those of earlier stages stay as they are.
    public func final(_ tokens: Tensor) -> Tensor {
        tokens.shape[2] == width ? norm(tokens) : tokens
    }

    /// The mean of all cells: `[B, N, D] -> [B, D]`.
    public func pooled(_ tokens: Tensor) -> Tensor { tokens.mean(1) }
}

extension PatchEmbedding {
    /// The grid of the whole patches of images `[B, C, H, W]`.
    func grid(of images: Tensor) -> PatchGrid {
        let (_, _, height, width) = images.shape4
        return grid(height: height, width: width)
    }
}
