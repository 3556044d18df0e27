public import Configuration
import NN
public import Torch
public import VisionModels

/// Runs a frozen encoder over pictures and keeps one vector of each.
///
/// B images, T tokens, D width, n blocks.
public struct FeatureExtractor {
    public struct Config: Configuration, Hashable {
        public var tokens = TokenChoice.cls
        public var attention: AttentionFeature? = nil
        public var blocks = 1
        public var leftOut = 0
        public var stride = 1
        public var finalNorm = true
        public var scales = [1.0]
        public var dropPath = 0.0
        public var precision: Precision? = nil

        public init() {}

        public static var documentation: [String: String] {
            [
                "tokens":
                    "what of the tokens becomes the feature: cls, where there is no class token "
                    + "mean unless cls is asked for; mean, of the patches; "
                    + "normalizedMean, before any norm, at zero mean and unit variance (MAE's "
                    + "--global_pool); clsAndMean; clsAndGeM, for copies; patches or all tokens, "
                    + "side by side",
                "attention":
                    "a feature of one block's patches in place of tokens: cp1 to cp4, those at "
                    + "the centre; ca1 to ca4, attn-mn or attn-lcte, all weighted by attention; "
                    + "null for none",
                "blocks": "from how many of the last blocks; joined, the earliest first",
                "leftOut": "how many of the last blocks are left out; 0 ends with the last one",
                "stride":
                    "how far apart the blocks are: 1 for neighbours, 3 for the last, the fourth "
                    + "last and so on",
                "finalNorm": "whether the tokens go through the encoder's final norm",
                "scales":
                    "at which each picture is seen; with others than 1 alone the feature is the "
                    + "mean of those at all of them, at unit length",
                "dropPath":
                    "probability to drop a branch of the last block while random crops are "
                    + "looked at, as if the encoder were being trained (Beyond [cls]'s probe of "
                    + "SimMIM); it rises from 0 at the first",
                "precision":
                    "of the encoder's matrix products: bf16, or fp16 on CUDA; null for fp32",
            ]
        }

        /// How many of the last blocks are run through for them.
        var reach: Int { leftOut + (blocks - 1) * stride + 1 }

        /// Whether pictures are seen at other sizes than their own.
        var rescales: Bool { scales != [1] }

        public func validate() throws {
            guard blocks > 0 else {
                throw ConfigurationError.invalid(
                    "blocks", found: blocks, expected: "a positive number")
            }
            guard leftOut >= 0 else {
                throw ConfigurationError.invalid(
                    "leftOut", found: leftOut, expected: "0 or a positive number")
            }
            guard stride > 0 else {
                throw ConfigurationError.invalid(
                    "stride", found: stride, expected: "a positive number")
            }
            guard attention == nil || blocks == 1 && tokens == .cls else {
                throw ConfigurationError.invalid(
                    "attention", found: attention?.rawValue ?? "",
                    expected: "one block, and no tokens beside it")
            }
            guard (0..<1).contains(dropPath) else {
                throw ConfigurationError.invalid(
                    "dropPath", found: dropPath, expected: "a number from 0 to below 1")
            }
            // Memory ends long before.
            guard !scales.isEmpty, scales.allSatisfy({ $0 > 0 && $0 <= 100 }) else {
                throw ConfigurationError.invalid(
                    "scales", found: "\(scales)", expected: "positive numbers up to 100")
            }
        }
    }

    public enum TokenChoice: String, Codable, Sendable, CaseIterable {
        /// The class token of each block: n·D.
        case cls
        /// The mean of the patch tokens of each block: n·D.
        case mean
        /// The mean of the patch tokens of each block before any norm, brought to zero mean and unit
        /// variance: n·D. MAE's probe with `--global_pool` has it, whose `fc_norm` is never trained.
        case normalizedMean
        /// The class token of each block, then the mean of the last block's patches: (n + 1)·D.
        case clsAndMean
        /// The class token of each block, then the generalised mean of the last block's patches, by the
        /// fourth power of what is above 10⁻⁶: (n + 1)·D, for the detection of copies.
        case clsAndGeM
        /// All patch tokens of each block side by side, which keeps where things are: n·N·D. Only
        /// for encoders of one picture size, and practical for few patches.
        case patches
        /// The same with the tokens before the patches: n·T·D, for read-outs.
        case all
    }

    public enum Precision: String, Codable, Sendable, CaseIterable {
        case bf16
        case fp16

        var dtype: DType { self == .bf16 ? .bfloat16 : .float16 }
    }

    let encoder: any VisionEncoder
    let config: Config

    /// An extractor of features of one encoder.
    ///
    /// - Throws: `ConfigurationError` where the encoder has no class token or too few blocks for the
    ///   settings, or cannot see pictures of such a scale.
    public init(_ encoder: any VisionEncoder, _ config: Config = Config()) throws {
        try config.validate()
        try config.attention?.validate(for: encoder)
        guard
            config.attention != nil
                || [.mean, .normalizedMean, .patches, .all].contains(config.tokens)
                || encoder.hasClassToken
        else {
            throw ConfigurationError.invalid(
                "tokens", found: config.tokens.rawValue,
                expected: "mean or patches: the encoder has no class token")
        }
        try Self.requireBlocks(config, of: encoder.blockCount)
        guard config.dropPath == 0 || encoder is VisionTransformer else {
            throw ConfigurationError.invalid(
                "dropPath", found: config.dropPath, expected: "0: the encoder is no plain ViT")
        }
        for scale in config.scales where scale != 1 {
            let side = Int(Double(encoder.imageSize) * scale)
            do {
                try encoder.requireSize(height: side, width: side)
            } catch {
                throw ConfigurationError.invalid(
                    "scales", found: scale, expected: "one that the encoder can see: \(error)")
            }
            guard side > 0, encoder.grid(height: side, width: side).count > 0 else {
                throw ConfigurationError.invalid(
                    "scales", found: scale,
                    expected: "more: a picture of \(side) pixels holds no patch")
            }
        }
        self.encoder = encoder
        self.config = config
    }

    /// Throws `ConfigurationError` where an encoder of so many blocks has fewer than are asked for.
    private static func requireBlocks(_ config: Config, of count: Int) throws {
        guard config.leftOut < count else {
            throw ConfigurationError.invalid(
                "leftOut", found: config.leftOut,
                expected: "at most \(count - 1): the encoder has \(count) blocks")
        }
        let most = (count - config.leftOut - 1) / config.stride + 1
        guard config.blocks > most else { return }
        let isPlain = config.leftOut == 0 && config.stride == 1
        throw ConfigurationError.invalid(
            "blocks", found: config.blocks,
            expected: isPlain
                ? "at most \(most), the encoder's number of blocks"
                : "at most \(most) with stride \(config.stride) and leftOut \(config.leftOut), "
                    + "of the encoder's \(count) blocks")
    }

    /// The length of a token of each block that is taken, the earliest first.
    public var blockWidths: [Int] { strided(encoder.widths(ofLast: config.reach)) }

    /// The length of a feature.
    public var width: Int {
        let layers = blockWidths.reduce(0, +)
        return switch config.tokens {
        case .cls, .mean, .normalizedMean: layers
        case .clsAndMean, .clsAndGeM: layers + encoder.width
        case .patches: layers * encoder.grid.count
        case .all: layers * (encoder.extraTokens + encoder.grid.count)
        }
    }

    /// Where the encoder is.
    public var device: Device { encoder.parameters.first?.device ?? .cpu }

    /// The features `[B, D′]` of images `[B, C, H, W]` that are on the encoder's device.
    ///
    /// Nothing is recorded for differentiation; the encoder is used as it is, in training or
    /// evaluation mode.
    public func callAsFunction(_ images: Tensor) -> Tensor {
        FeatureForms([self])(images)[0]
    }

    /// The feature of blocks that were run already.
    ///
    /// - Parameter layers: the tokens `[B, T, D]` after each of the last blocks, at least as many as the
    ///   settings reach back, the earliest first, without the final norm.
    /// - Returns: `[B, D′]`, fp32.
    func feature(of layers: [Tensor]) -> Tensor {
        let used = strided(layers.suffix(config.reach))
        let normalizes = config.finalNorm && config.tokens != .normalizedMean
        let tokens = normalizes ? used.map { encoder.final($0) } : used
        var parts: [Tensor] = tokens.map { tokens in
            switch config.tokens {
            case .cls, .clsAndMean, .clsAndGeM: tokens[0..., 0]
            case .mean, .normalizedMean: tokens[0..., encoder.extraTokens...].mean(1)
            case .patches: tokens[0..., encoder.extraTokens...].flattened(1)
            case .all: tokens.flattened(1)
            }
        }
        if config.tokens == .normalizedMean {
            parts = parts.map { $0.to(dtype: .float32).layerNorm(nil, nil, eps: 1e-6) }
        }
        if let patches = tokens.last?[0..., encoder.extraTokens...] {
            if config.tokens == .clsAndMean { parts.append(patches.mean(1)) }
            if config.tokens == .clsAndGeM {
                let fourth = patches.to(dtype: .float32).clamped(min: 1e-6).pow(4)
                parts.append(fourth.mean(1).pow(0.25))
            }
        }
        return concatenated(parts.map { $0.to(dtype: .float32) }, 1)
    }

    /// The features of a sequence of batches, the encoder in evaluation mode meanwhile.
    ///
    /// - Parameters:
    ///   - batches: on any device.
    ///   - classNames: by class number.
    ///   - progress: is told the number of pictures done after each batch.
    /// - Returns: the features in the order of the pictures, on the encoder's device.
    public func extract(
        _ batches: some Sequence<LabelledBatch>, classNames: [String] = [],
        progress: (Int) -> Void = { _ in }
    ) -> Features {
        FeatureForms([self]).extract(batches, classNames: classNames, progress: progress)[0]
    }

    /// Those of the last blocks that are used.
    private func strided<Element>(_ layers: some BidirectionalCollection<Element>) -> [Element] {
        let taken = Array(layers.dropLast(config.leftOut))
        return taken.enumerated().filter { (taken.count - 1 - $0.offset) % config.stride == 0 }
            .map(\.element)
    }
}
