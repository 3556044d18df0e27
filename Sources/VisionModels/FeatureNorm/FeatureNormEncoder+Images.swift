import NN
public import Torch

// Pictures of one size, as evaluation gives them: one a sequence, no padding.
extension FeatureNormEncoder: VisionEncoder {
    public var imageSize: Int { config.imageSize }
    public var channels: Int { config.channels }
    public var width: Int { config.width }
    public var blockCount: Int { config.depth }
    /// The registers.
    public var extraTokens: Int { config.registers }
    public var hasClassToken: Bool { false }

    public func grid(height: Int, width: Int) -> PatchGrid {
        PatchGrid(rows: height / config.patchSize, columns: width / config.patchSize)
    }

    public func requireSize(height: Int, width: Int) throws {
        try config.requireGrid(grid(height: height, width: width))
    }

    public func lastBlocks(_ images: Tensor, count: Int) -> [Tensor] {
        let (batch, _, height, width) = images.shape4
        let (grid, p) = (grid(height: height, width: width), config.patchSize)
        let whole = images[0..., 0..., ..<(grid.rows * p), ..<(grid.columns * p)]
        var patches = patchify(whole, patchSize: p)  // [B, N, p·p·C]
        if config.registers > 0 {
            // Black pixels, as in training.
            let black = Tensor.full(
                [batch, config.registers, config.patchLength], -1, dtype: patches.dtype,
                device: patches.device)
            patches = concatenated([black, patches], 1)
        }
        let tokens = PackedTokens(
            batch, on: grid, registers: config.registers, device: images.device)
        return Array(self(patches, tokens).layers.suffix(count))
    }

    /// The output norm of every token; by running statistics where it has them.
    public func final(_ tokens: Tensor) -> Tensor {
        if let runningNormOut { return runningNormOut(tokens) }
        return normOut.map { $0(tokens) } ?? tokens
    }

    /// The mean of all tokens, registers among them, as featurenorm's probe takes it.
    public func pooled(_ tokens: Tensor) -> Tensor { tokens.mean(1) }
}
