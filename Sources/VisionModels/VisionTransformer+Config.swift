public import Configuration
public import NN
import Torch

extension VisionTransformer {
    /// The shape of a vision transformer; the default is ViT-B/16 at 224².
    public struct Config: Configuration, Hashable {
        /// Height and width in pixels of the images that the positions are made for.
        public var imageSize = 224
        /// Height and width of a patch in pixels.
        public var patchSize = 16
        /// Channels of the images.
        public var channels = 3
        /// D, the length of a token.
        public var width = 768
        /// The number of blocks.
        public var depth = 12
        /// Attention heads a block.
        public var heads = 12

        /// The hidden layer of the MLP as a multiple of D.
        public var mlpRatio = 4.0
        public var mlp = FeedForwardForm.gelu
        /// A layer norm inside the MLP, before its last layer.
        public var mlpNorm = false

        /// The tokens before the patches, in this order: class, distillation, registers.
        public var classToken = true
        /// A second class token, whose classifier learned from a teacher: DeiT.
        public var distillationToken = false
        /// Tokens that belong to nothing: Darcet et al., *Vision Transformers Need Registers* (2024).
        public var registers = 0
        /// Whether the model has a token that replaces masked patches.
        public var masksPatches = false

        public var positions = Positions.sinCos
        /// Which tokens have a row of the positions.
        public var positionedTokens = PositionedTokens.all
        /// How positions are fitted to another image size.
        public var positionResize = PositionResize.bicubic
        public var relativePositions = RelativePositions.none
        /// How tables of relative positions are fitted to another image size.
        public var relativeResize = RelativeBiasResize.beit
        /// Rotary positions; nil for none.
        public var rotary: RotaryEmbedding.Kind? = nil
        /// The base of their frequencies; nil for the kind's own.
        public var rotaryBase: Double? = nil
        /// Rows and columns of the grid in which they measure distances; nil for the image's own.
        public var rotaryGrid: Int? = nil

        /// Whether the patch embedding has a bias.
        public var patchBias = true
        /// Convolutions that make the tokens in place of the patch embedding; nil for none.
        public var stem: ConvolutionalStem.Form? = nil
        /// A layer norm before the first block: `norm_pre`, CLIP's `ln_pre`.
        public var preNorm = false
        public var qkvBias = Attention.Bias.all
        /// Layer norms of each head's queries and keys.
        public var queryKeyNorm = false
        /// A layer norm inside attention, before the projection.
        public var attentionNorm = false
        /// The initial γ of LayerScale; nil for none.
        public var layerScale: Double? = nil
        /// The drop path rate of the last block; it rises evenly from 0.
        public var dropPath = 0.0
        /// ε of the layer norms.
        public var normEps = 1e-6

        public var pooling = Pooling.token
        public var finalNorm = FinalNorm.tokens

        public init() {}
    }
}

// MARK: - Choices

extension VisionTransformer.Config {
    public enum Positions: String, Codable, Sendable, CaseIterable {
        /// Fixed sines and cosines, the column's before the row's: MAE, I-JEPA.
        case sinCos
        /// The same, the row's before the column's: CAE.
        case sinCosRowsFirst
        /// Fixed sines and cosines of the patch's number: iBOT's fine-tuning.
        case sinCosLine
        /// Trained: ViT, DINO, iBOT.
        case learned
        /// No embedding: BEiT and DINOv3, whose attention sees where tokens are.
        case none
    }

    public enum PositionedTokens: String, Codable, Sendable, CaseIterable {
        /// Every token: timm.
        case all
        /// The class token and the patches: DINOv2 with registers.
        case classAndPatches
        /// The patches alone: DeiT III and others of timm with `no_embed_class`.
        case patches
    }

    /// Learned biases of attention for each offset of two patches, `RelativePositionBias`.
    public enum RelativePositions: String, Codable, Sendable, CaseIterable {
        case none
        /// A table in each block: BEiT and SimMIM in fine-tuning.
        case perBlock
        /// One table for all blocks: BEiT and SimMIM in pre-training.
        case shared
    }

    /// What stands for the whole image.
    public enum Pooling: String, Codable, Sendable, CaseIterable {
        /// The class token; in models without one the mean of the patches.
        case token
        /// The mean of the patches.
        case mean
        /// Nothing: classifiers refuse such an encoder.
        case none
    }

    /// Where the last layer norm is.
    public enum FinalNorm: String, Codable, Sendable, CaseIterable {
        /// On every token: `norm`.
        case tokens
        /// On what was pooled: `fc_norm`; tokens stay as the last block left them.
        case pooled
        /// Nowhere.
        case none
    }
}

// MARK: - What follows from the settings

extension VisionTransformer.Config {
    /// The grid that the positions are made for.
    public var grid: PatchGrid {
        PatchGrid(rows: imageSize / patchSize, columns: imageSize / patchSize)
    }

    /// Tokens before the patches.
    public var extraTokens: Int {
        (classToken ? 1 : 0) + (distillationToken ? 1 : 0) + registers
    }

    /// Rows of the positions before those of the patches.
    public var extraPositions: Int {
        switch positionedTokens {
        case .all: extraTokens
        case .classAndPatches: classToken ? 1 : 0
        case .patches: 0
        }
    }

    /// Rows of a table of relative positions before those of offsets end: BEiT's three for the class
    /// token.
    public var extraRelativeRows: Int { classToken ? 3 : 0 }

    /// Whether the feature of an image is the mean of its patches.
    public var poolsPatches: Bool { pooling == .mean || pooling == .token && !classToken }

    /// Whether attention has to be told where the tokens are, so that leaving some out needs care.
    public var attentionSeesPositions: Bool { relativePositions != .none || rotary != nil }

    /// What makes tokens of pixels.
    func patchEmbedder(generator: Generator?) -> any PatchEmbedder {
        if let stem {
            return ConvolutionalStem(
                stem, channels: channels, width: width, generator: generator)
        }
        return PatchEmbedding(
            patchSize: patchSize, channels: channels, width: width, bias: patchBias,
            generator: generator)
    }

    /// A block of the model.
    func block(dropPath: Double, generator: Generator?) -> Block {
        Block(
            width, heads: heads, mlpRatio: mlpRatio, layerScale: layerScale, dropPath: dropPath,
            eps: normEps, attention: attention, mlp: mlp, mlpNorm: mlpNorm, generator: generator)
    }

    private var attention: Attention.Form {
        var form = Attention.Form()
        form.bias = qkvBias
        form.queryKeyNorm = queryKeyNorm
        form.innerNorm = attentionNorm
        form.relativeRows = relativePositions == .perBlock ? relativeRows : nil
        form.eps = normEps
        return form
    }

    /// Rows of a table of relative positions.
    var relativeRows: Int { grid.offsets.count + extraRelativeRows }
}
