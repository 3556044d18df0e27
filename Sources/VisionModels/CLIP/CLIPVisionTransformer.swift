public import NN
public import Torch

/// CLIP's visual transformer with its projection into the space shared with texts.
///
/// Radford et al., *Learning Transferable Visual Models From Natural Language Supervision* (2021),
/// section 2.4: a vision transformer with a layer norm before its blocks, QuickGELU and no bias of
/// the patch embedding; then a matrix from its width D to E. Its own names, those of the encoder
/// among them, are a `VisionTransformer`'s; `tensors(from:)` renames published ones.
public final class CLIPVisionTransformer: Module {
    public let backbone: VisionTransformer
    @Parameter public var proj: Tensor  // [D, E]

    public override class var stateNames: [String: String] { ["backbone": ""] }

    /// - Parameters:
    ///   - config: of the encoder, such as `CLIPVisionTransformer.config(inferredFrom:)`.
    ///   - embedding: E.
    ///   - generator: the source of the initial weights; the matrix starts from N(0, 1/D).
    /// - Throws: `ConfigurationError` for a config that makes no sense.
    public init(_ config: VisionTransformer.Config, embedding: Int, generator: Generator?) throws {
        backbone = try VisionTransformer(config, generator: generator)
        proj = Init.normal(
            [config.width, embedding], std: 1 / Double(config.width).squareRoot(),
            generator: generator)
    }

    /// All tokens after the final norm, projected: `[B, C, H, W] -> [B, T, E]`.
    public func projectedTokens(_ images: Tensor) -> Tensor { backbone(images).matmul(proj) }

    /// The embedding of each image, its projected class token: `[B, C, H, W] -> [B, E]`.
    public func callAsFunction(_ images: Tensor) -> Tensor {
        backbone(images)[0..., 0].matmul(proj)
    }
}

// MARK: - Published tensors

extension CLIPVisionTransformer {
    /// The form of the encoder that tensors with OpenAI's names, `conv1.weight` and so on without
    /// `visual.`, belong to: one head for every 64 channels.
    ///
    /// - Parameters:
    ///   - shapes: by name.
    ///   - heads: overrides the number of heads.
    /// - Returns: a form with ε of 1e-5 and CLIP's way to resize positions.
    /// - Throws: `ConfigurationError` naming what is missing or contradictory.
    public static func config(
        inferredFrom shapes: [String: [Int]], heads: Int? = nil
    ) throws -> VisionTransformer.Config {
        var renamed: [String: [Int]] = [:]
        for (name, shape) in shapes {
            let ones = leadingOnes(of: name)
            renamed[ownName(of: name)] = Array(repeating: 1, count: ones) + shape
        }
        let width = renamed["patch_embed.proj.weight"]?.first ?? 0
        return try VisionTransformer.Config(
            inferredFrom: renamed, heads: heads ?? max(1, width / 64)
        ) { config in
            config.positions = .learned
            config.normEps = 1e-5
            config.mlp = .quickGELU
            config.positionResize = .bicubicOffset
        }
    }

    /// The same tensors by this model's names.
    ///
    /// - Parameter published: by OpenAI's names without `visual.`.
    /// - Returns: what `load` takes; a vector that is one row of tokens gets the dimensions of 1.
    public static func tensors(from published: [String: Tensor]) -> [String: Tensor] {
        var renamed: [String: Tensor] = [:]
        for (name, tensor) in published {
            let ones = leadingOnes(of: name)
            renamed[ownName(of: name)] = (0..<ones).reduce(tensor) { x, _ in x.unsqueezed(0) }
        }
        return renamed
    }

    /// How many dimensions of 1 a vision transformer's tensor has before OpenAI's.
    private static func leadingOnes(of name: String) -> Int {
        switch name {
        case "class_embedding": 2
        case "positional_embedding": 1
        default: 0
        }
    }

    /// A vision transformer's name for one of OpenAI's; a name of neither stays as it is.
    public static func ownName(of published: String) -> String {
        let names = [
            "class_embedding": "cls_token", "positional_embedding": "pos_embed",
            "conv1.weight": "patch_embed.proj.weight",
        ]
        if let name = names[published] { return name }
        let parts = [
            ("transformer.resblocks.", "blocks."), ("ln_pre.", "norm_pre."),
            ("ln_post.", "norm."), (".ln_1.", ".norm1."), (".ln_2.", ".norm2."),
            (".attn.in_proj_", ".attn.qkv."), (".attn.out_proj.", ".attn.proj."),
            (".mlp.c_fc.", ".mlp.fc1."), (".mlp.c_proj.", ".mlp.fc2."),
        ]
        return parts.reduce(published) { $0.replacing($1.0, with: $1.1, maxReplacements: 1) }
    }
}
