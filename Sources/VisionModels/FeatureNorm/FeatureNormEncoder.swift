public import NN
public import Torch

/// The encoder of featurenorm's I-JEPA: a vision transformer for packed sequences of pictures of any
/// sizes, whose output goes through one of several normalisations.
///
/// Colton, *Elucidating the Role of Feature Normalization in IJEPA* (2025). There is no class token.
///
/// 1. a linear layer embeds the pixels of each patch, of registers and padding too
/// 2. registers get an embedding each; patches, if asked for, one of their row and one of their column
/// 3. pre-norm blocks in which a token looks at its own picture, queries and keys turned by their place
/// 4. if asked for, tokens are merged after each block, and taken apart again at the end
/// 5. the output norm: layer norm, tanh, batch norm with running statistics, or none
///
/// B sequences, T tokens, p side of a patch, C channels, D width, n blocks.
public final class FeatureNormEncoder: Module {
    let embeddings: PackedEmbeddings
    let projIn: Linear  // [D, p·p·C]
    let blocks: [PackedBlock]
    let normOut: (any Layer)?
    let runningNormOut: RunningBatchNorm?
    public let config: Config

    public override class var stateNames: [String: String] {
        ["embeddings": "", "runningNormOut": "norm_out"]
    }

    public init(_ config: Config, generator: Generator?) throws {
        try config.validate()
        self.config = config
        let width = config.width
        embeddings = PackedEmbeddings(
            width, registers: config.registerRows,
            grid: config.absolutePositions
                ? PatchGrid(rows: config.maxRows, columns: config.maxColumns) : nil,
            generator: generator)
        projIn = Linear(config.patchLength, width, generator: generator)
        blocks = (0..<config.depth).map { _ in PackedBlock(config.block, generator: generator) }
        var running: RunningBatchNorm?
        var plain: (any Layer)?
        switch config.outputNorm {
        case .layerNorm:
            plain = config.outputAffine ? LayerNorm(width, eps: 1e-5) : Self.plainLayerNorm
        case .dynamicTanh: plain = DynamicTanh(width, affine: config.outputAffine)
        case .runningBatchNorm: running = RunningBatchNorm(width)
        case .none: break
        }
        (normOut, runningNormOut) = (plain, running)
    }

    private static var plainLayerNorm: Activation {
        Activation { $0.layerNorm(nil, nil, eps: 1e-5) }
    }
}

// MARK: - Packed sequences

extension FeatureNormEncoder {
    /// What the encoder makes of packed sequences.
    public struct Output {
        /// The tokens after the output norm, `[B, T, D]`.
        public let tokens: Tensor
        /// The tokens before the first block and after each, without the output norm: n + 1 times
        /// `[B, T, D]`.
        public let layers: [Tensor]
        /// What the capacities of the mixtures of experts have to learn, a number to add to the loss;
        /// nil without them and in evaluation.
        public let capacityLoss: Tensor?
    }

    /// - Parameters:
    ///   - patches: the pixels of each token from −1 to 1, row by row, then channel: `[B, T, p·p·C]`.
    ///     Those of registers and padding are −1.
    ///   - tokens: who they are.
    /// - Returns: the tokens of every layer.
    public func callAsFunction(_ patches: Tensor, _ tokens: PackedTokens) -> Output {
        var x = embeddings.addingAll(to: projIn(patches), tokens)
        var layers = [x]
        var losses: [Tensor] = []
        var current = tokens
        var positions = positions(of: current)
        var present = current.present
        var merged: MergedPlaces?
        for block in blocks {
            let output = block(x, at: positions, present: present)
            x = output.tokens
            if let loss = output.capacityLoss { losses.append(loss) }
            if let count = config.mergedCount(of: x.shape[1]) {
                let merging = TokenMerging(
                    output.keys.mean(1), samples: current.samples, merging: count)
                x = merging.merge(x)
                current = current.merged(merging)
                (positions, present) = (self.positions(of: current), current.present)
                merged = MergedPlaces(merging, after: merged)
            }
            layers.append(merged.map { $0.unmerge(x) } ?? x)
        }
        let normed = runningNormOut.map { $0(x, counting: present) } ?? final(x)
        return Output(
            tokens: merged.map { $0.unmerge(normed) } ?? normed, layers: layers,
            capacityLoss: losses.isEmpty
                ? nil : stacked(losses, 0).sum() / Double(blocks.count))
    }

    private func positions(of tokens: PackedTokens) -> AttentionPositions {
        tokens.attentionPositions(headWidth: config.headWidth, isRotary: config.rotary)
    }
}

extension PackedTokens {
    /// The tokens after a merging; a place is the mean of those that became one, cut to a whole number.
    fileprivate func merged(_ merging: TokenMerging) -> PackedTokens {
        PackedTokens(
            samples: merging.samples,
            registers: .zeros(like: merging.samples), places: merging.merge(places),
            isWhole: isWhole)
    }
}
