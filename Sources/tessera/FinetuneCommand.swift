import ArgumentParser
import Configuration
import Data
import Foundation
import Methods
import Training
import VisionModels

/// Starts the fine-tuning of a pre-trained encoder.
struct FinetuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune",
        abstract: "Train a classifier from a pre-trained encoder, all weights.",
        discussion: """
            tessera finetune configs/finetune/mae/vit-base-16.yaml \\
                --weights mae_pretrain_vit_base.pth --data imagenet --out runs/finetuned
            tessera finetune --weights runs/mae --data pictures --out runs/finetuned

            The encoder's shape and the normalisation of its pictures come from the weights, all else \
            from the recipe, and without one from MAE's for ViT-B. Settings are key=value pairs over \
            both; `tessera config show finetune` lists them. method.weights=null starts an encoder of \
            the same shape from random weights. `tessera resume` goes on, `tessera evaluate validate` \
            scores the run.
            """)

    @Argument(
        help: """
            A recipe (.yaml) with run.method finetune or finetune-swin, then settings: optim.lr=1e-3.
            """
    )
    var recipe: [String] = []

    @OptionGroup var source: WeightsOptions

    @Option(help: "Labelled pictures with a training and a test part.")
    var data: String

    @OptionGroup var options: RunOptions

    func run() throws {
        let names = recipe.filter { !$0.contains("=") }
        guard names.count <= 1 else {
            throw UsageError("expected one recipe; found \(names.joined(separator: ", "))")
        }
        let named = try names.first.map { try Recipe(contentsOf: $0) }
        let encoder = try source.load()
        switch encoder.model {
        case let model as VisionTransformer: try start(named, model.config, encoder)
        case let model as SwinTransformer: try start(named, model.config, encoder)
        default:
            throw UsageError(
                "\(source.weights) is a \(type(of: encoder.model)): vision transformers and Swin can "
                    + "be fine-tuned")
        }
    }

    private func start<Shape: FineTunedModel>(
        _ recipe: Recipe?, _ shape: Shape, _ encoder: PretrainedEncoder
    ) throws {
        let name = FineTuning<Shape>.name
        if let recipe, let other = recipe.text(at: "run.method"), other != name {
            throw UsageError(
                "\(recipe.name) is a recipe of \(other), the encoder in \(source.weights) needs one of "
                    + name)
        }
        let start = try StartingWeights(encoder, source)
        var overrides = ["run.method=\(name)", "data.path=\(quoted(whole(data)))"]
        // Who says method.weights=null wants the shape alone.
        if !self.recipe.contains(where: { $0.hasPrefix("method.weights=") }) {
            overrides += start.overrides
        }
        overrides += options.overrides
        overrides += self.recipe.filter { $0.contains("=") }
        var base = try start.base(shape)
        let method = try RunConfiguration<FineTuning<Shape>.Config>.resolve(
            recipe: recipe, over: base, overrides: overrides
        ).value.method
        if method.weights != nil, method.projection != nil {
            guard let head = try PrototypeHead.find(encoder) else {
                throw UsageError(
                    "\(source.weights) has no projection head beside the encoder, of which "
                        + "method.projection takes layers: give a whole checkpoint of DINO or iBOT, or "
                        + "method.projection=null")
            }
            base = try start.base(shape, head)
        }
        let session = try PretrainingSession<FineTuning<Shape>>(
            recipe: recipe, over: base, overrides: overrides, out: options.out, json: options.json)
        try session.run()
    }
}

/// What a run takes over from the weights that it begins with.
private struct StartingWeights {
    private let path: String
    private let part: String?
    private let allowPartial: Bool
    private let data: DataSettings

    init(_ encoder: PretrainedEncoder, _ options: WeightsOptions) throws {
        data = encoder.data
        allowPartial = options.allowPartial
        // Needed again by a run that was killed before its first checkpoint.
        guard let folder = encoder.runFolder else {
            path = whole(options.weights)
            part = options.part
            return
        }
        path = whole(encoder.origin)
        let recipe = try Recipe(contentsOf: folder.appendingPathComponent("config.yaml").path)
        // What a run evaluates, beside its optimiser's tensors.
        let averageLeads =
            recipe.text(at: "method.average.decay") != nil
            && recipe.text(at: "method.average.leads") != "false"
        part = averageLeads ? "model.model_ema" : "model"
    }

    var overrides: [String] {
        var all = ["method.weights=\(quoted(path))"]
        if let part { all.append("method.part=\(part)") }
        if allowPartial { all.append("method.allowPartial=true") }
        return all
    }

    /// Shape and normalisation, and the sizes of a head, to lie beneath a recipe.
    func base(_ shape: some FineTunedModel, _ head: ProjectionHead? = nil) throws -> Recipe {
        func json(_ value: some Encodable) throws -> String {
            String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
        }
        var sections = [
            "\"model\": \(try shape.inherited())",
            "\"data\": {\"mean\": \(try json(data.mean)), \"std\": \(try json(data.std))}",
        ]
        if let head {
            guard let found = ProjectionSettings(of: head) else {
                throw UsageError(
                    "\(path) has a projection head of another form than linear layers with GELU, a "
                        + "bottleneck and prototypes: method.projection cannot take layers of it")
            }
            sections.append(
                """
                "method": {"projection": {"depth": \(found.depth), "width": \(found.width), \
                "bottleneck": \(found.bottleneck), "prototypes": \(found.prototypes)}}
                """)
        }
        return try Recipe(yaml: "{\(sections.joined(separator: ", "))}", named: "the weights")
    }
}
