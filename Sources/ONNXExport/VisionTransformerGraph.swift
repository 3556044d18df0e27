import NN
import Torch
import VisionModels

/// A vision transformer as an ONNX graph, for batches and images of any size.
///
/// Rows and columns of pixels beyond the last whole patch are dropped, and positions are resized in
/// the graph, as the model does. Models that do not resize theirs, and those with tables of relative
/// positions, whose resampling has no form in ONNX, get a graph for their own size.
struct VisionTransformerGraph {
    /// `[B, C, H, W]`.
    static let input = "images"
    /// `[B, T, D]` after the last norm.
    static let tokens = "tokens"
    /// `[B, D]`, what `VisionTransformer.pooled` gives.
    static let feature = "feature"

    let config: VisionTransformer.Config
    let weights: [String: Tensor]
    var graph = GraphBuilder()

    /// Whether images may have any size.
    let takesAnySize: Bool

    /// What attention is told of the places of tokens; the same in every block, but for the table.
    var turns: Turns?
    var pairs: String?
    var sharedBias: String?

    /// - Throws: `ExportError` for models with a stem of convolutions, or without a tensor that their form
    ///   asks for.
    init(_ model: VisionTransformer) throws {
        guard model.config.stem == nil else {
            throw ExportError("a stem of convolutions (model.stem) has no form in this export")
        }
        config = model.config
        weights = Dictionary(
            uniqueKeysWithValues: model.stateDict.map { ($0.name, $0.tensor.detached().to(.cpu)) })
        takesAnySize =
            config.relativePositions == .none
            && (config.positions == .none || config.positionResize != .none)
        let patches = try embeddedPatches()
        var x = try prependingExtraTokens(patches)
        for index in 0..<config.depth { x = try block(x, "blocks.\(index)") }
        try finish(x)
    }

    // MARK: Tokens

    /// `[B, N, D]`, with positions.
    private mutating func embeddedPatches() throws -> String {
        let size = config.patchSize
        let kernel = graph.constant(try weight("patch_embed.proj.weight"), "patch_embed.weight")
        var inputs = [Self.input, kernel]
        if let bias = weights["patch_embed.proj.bias"] {
            inputs.append(graph.constant(bias, "patch_embed.bias"))
        }
        let maps = graph.add(
            "Conv", inputs, name: "patch_embed",
            ["kernel_shape": .integers([size, size]), "strides": .integers([size, size])])
        let flat = graph.reshape(maps, [0, config.width, -1], name: "patches.flat")
        let patches = graph.transpose(flat, [0, 2, 1], name: "patches")
        try placeAttention(on: maps)
        guard let positions = try patchPositions(of: maps) else { return patches }
        return graph.add("Add", [patches, positions], name: "patches.placed")
    }

    /// Class, distillation and register tokens, with their positions, before the patches.
    private mutating func prependingExtraTokens(_ patches: String) throws -> String {
        var tokens = patches
        let parts = ["cls_token", "dist_token", "reg_token"].compactMap { weights[$0] }
        if !parts.isEmpty {
            var rows = concatenated(parts, 1)  // [1, E, D]
            let count = config.positions == .none ? 0 : config.extraPositions
            if count > 0 {
                let placed = rows[0..., ..<count] + (try weight("pos_embed"))[0..., ..<count]
                rows = concatenated([placed, rows[0..., count...]], 1)
            }
            let batch = graph.sizes(of: patches, 0..<1, name: "batch")
            let rest = graph.constant([rows.shape[1], config.width], "extra_tokens.rest")
            let shape = graph.add("Concat", [batch, rest], name: "extra_tokens.shape", along(0))
            let extra = graph.add(
                "Expand", [graph.constant(rows, "extra_tokens"), shape], name: "extra_tokens.all")
            tokens = graph.add(
                "Concat", [extra, patches], name: "placed_tokens", along(1))
        }
        return config.preNorm ? try norm(tokens, "norm_pre") : tokens
    }

    // MARK: Outputs

    private mutating func finish(_ x: String) throws {
        let last = config.finalNorm == .tokens ? try norm(x, "norm") : x
        let tokens = graph.add("Identity", [last], name: Self.tokens)
        var feature: String
        if config.poolsPatches {
            let patches = graph.slice(
                tokens, config.extraTokens..., axis: 1, name: "pooled.patches")
            feature = graph.add(
                "ReduceMean", [patches, graph.constant([1], "pooled.axis")], name: "pooled",
                ["keepdims": .integer(0)])
        } else {
            let index = graph.constant([0], "pooled.index")
            let rows = graph.add(
                "Gather", [tokens, index], name: "pooled.row", along(1))
            feature = graph.add(
                "Squeeze", [rows, graph.constant([1], "pooled.axis")], name: "pooled")
        }
        if config.finalNorm == .pooled { feature = try norm(feature, "fc_norm") }
        _ = graph.add("Identity", [feature], name: Self.feature)
    }

    // MARK: Weights

    func weight(_ name: String) throws -> Tensor {
        guard let tensor = weights[name] else {
            throw ExportError("the model has no tensor \(name)")
        }
        return tensor
    }

    mutating func linear(_ x: String, _ name: String) throws -> String {
        graph.linear(
            x, weight: try weight("\(name).weight"), bias: weights["\(name).bias"], name: name)
    }

    mutating func norm(_ x: String, _ name: String) throws -> String {
        graph.layerNorm(
            x, weight: try weight("\(name).weight"), bias: try weight("\(name).bias"),
            eps: config.normEps, name: name)
    }

    mutating func scaled(_ x: String, _ name: String) throws -> String {
        guard let gamma = weights[name] else { return x }
        let factor = graph.constant(gamma, name)
        return graph.add("Mul", [x, factor], name: "\(name).scaled")
    }
}
