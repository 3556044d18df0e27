public import Configuration
public import NN
public import Torch
public import VisionModels

/// Attention-based multiple-instance pooling of tokens: Ilse, Tomczak and Welling, *Attention-based
/// Deep Multiple Instance Learning* (2018), as *Beyond [cls]* (2025) probes encoders with it.
///
/// 1. s = self-attention of the tokens x, or x itself
/// 2. z = s or x, with positions where wanted
/// 3. a = softmax over the tokens of a small network of z
/// 4. result = Σ_t a_t v_t, v being s or x
///
/// B images, T tokens (with or without the class token), D width. The defaults are the paper's: D + 1
/// parameters.
public final class AbMILP: Module, ReadOut {
    public struct Config: Configuration, Hashable {
        public var selfAttention = SelfAttention.none
        public var activation = ActivationFunction.relu
        /// The layers of the network, all but the last D to D.
        public var depth = 1
        public var condition = Condition.none
        public var content = Content.patch
        public var trainsPositions = true

        public init() {}

        public static var documentation: [String: String] {
            [
                "selfAttention":
                    "of the tokens: none, map (for the attention map alone) or both (for what is "
                    + "pooled too)",
                "activation":
                    "between the layers of the network that attends: relu or tanh; without effect "
                    + "at depth 1",
                "depth": "layers of that network",
                "condition": "none, or pe: positions are added to what that network sees",
                "content": "the tokens that are pooled: patch, or all, with the class token",
                "trainsPositions":
                    "whether the positions, sines and cosines at first, are trained, as the "
                    + "published code does",
            ]
        }

        public func validate() throws {
            guard (1...64).contains(depth) else {
                throw ConfigurationError.invalid("depth", found: depth, expected: "1 to 64")
            }
        }
    }

    public enum SelfAttention: String, Codable, Sendable, CaseIterable {
        case none
        /// For the attention map alone.
        case map
        /// For the map and for what is pooled.
        case both
    }

    public enum ActivationFunction: String, Codable, Sendable, CaseIterable {
        case relu
        case tanh
    }

    public enum Condition: String, Codable, Sendable, CaseIterable {
        case none
        /// Position embeddings are added.
        case pe
    }

    public enum Content: String, Codable, Sendable, CaseIterable {
        /// Patch tokens.
        case patch
        /// Patch tokens and the class token.
        case all
    }

    @Parameter var posEmbed: Tensor  // [1, T, D]
    let selfAttn: Attention?
    let attentionPredictor: Sequential
    let config: Config
    public let width: Int

    /// A head for tokens of a grid of patches, with a class token before them or not, as `content` says.
    public init(_ config: Config, width: Int, grid: PatchGrid, generator: Generator?) throws {
        try config.validate()
        self.config = config
        self.width = width
        // Part of the state whether used or not, as in the published checkpoints.
        posEmbed = SinCosEmbedding.make(grid, width: width, classToken: config.content == .all)
        selfAttn =
            config.selfAttention == .none
            ? nil : Attention(width, heads: 1, form: .init(bias: .none), generator: generator)
        var layers: [any Layer] = []
        for _ in 1..<config.depth {
            layers.append(Linear(width, width, generator: generator))
            layers.append(
                config.activation == .relu ? Activation { $0.relu() } : Activation { $0.tanh() })
        }
        layers.append(Linear(width, 1, generator: generator))
        attentionPredictor = Sequential(layers)
        super.init()
        posEmbed.requiringGrad(config.condition == .pe && config.trainsPositions)
    }

    public func withWeights(_ tokens: Tensor) -> (pooled: Tensor, weights: Tensor) {
        let s = selfAttn.map { $0(tokens) } ?? tokens  // [B, T, D]
        let z = config.condition == .pe ? s + posEmbed : s
        let weights = attentionPredictor(z).softmax(1)  // [B, T, 1]
        let values = config.selfAttention == .both ? s : tokens
        let shares = weights.transposed(1, 2)  // [B, 1, T]
        // A product, so that no weighted copy of all tokens is made, here or on the way back.
        return (shares.matmul(values).squeezed(1), shares)
    }
}
