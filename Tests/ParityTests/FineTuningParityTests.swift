import Data
import NN
import Optimizers
import TestSupport
import Testing
import Torch
import Training
import VisionModels

@testable import Methods

/// Which parameters learn how fast and decay, and classifiers on layers of a projection head.
@Suite("Fine-tuning equal to the references") struct FineTuningParityTests {
    @Test(
        "iBOT's classifier on layers of the projection head",
        arguments: ParityTable.cases("ibot", "semisup_head_*"))
    func projection(item: ParityCase) throws {
        let config = try item.config
        var form = HeadForm()
        form.depth = try config.int("nlayers")
        form.width = try config.int("hidden_dim")
        form.bottleneck = try config.int("bottleneck_dim")
        let head = ClassProjectionHead(
            try config.int("in_dim"), classCount: try config.int("cls_dim"),
            layer: try config.int("finetune_layer"), prototypes: try config.int("out_dim"),
            form: form, generator: nil)
        try head.load(item.weights)
        item.compare("out/y", head(try item.tensor("in/x")), tolerance: .absolute(1e-5))
        item.finish()
    }

    @Test(
        "iBOT's layers, rates and weight decay",
        arguments: ParityTable.cases("ibot", "finetune_param_groups"))
    func ibot(item: ParityCase) throws {
        let config = try item.config
        let groups = try config.object("groups")
        var method = FineTuning<VisionTransformer.Config>.Config()
        method.layerDecay = try config.double("layer_decay")
        for kind in try groups.keys {
            let rows = try groups.object(kind)
            let names = try rows.keys
            let found =
                kind == "swin"
                ? try Groups(swin: names, layerDecay: method.layerDecay, decaysTables: true)
                : try Groups(vit: names, method)
            // The run's weight decay is recorded with the parameters alone.
            let decay = try names.map { try rows.object($0).double("wd") }.max() ?? 0
            try found.expect(names, weightDecay: decay) { name in
                let row = try rows.object(name)
                return (try row.double("scale"), try row.double("wd"))
            }
            for name in names {
                #expect(try found.layers.number(of: name) == rows.object(name).int("layer"))
            }
            guard try item.contains("out/scales_\(kind)") else { continue }
            item.compare(
                "out/scales_\(kind)", Tensor(found.scalesInOrder.map { Float($0) }),
                tolerance: .absolute(1e-7))
        }
        item.finish()
    }

    @Test(
        "SimMIM's layers, rates and weight decay, in pre-training too",
        arguments: ParityTable.cases("beyondcls", "simmim_param_groups"))
    func simMIM(item: ParityCase) throws {
        let config = try item.config
        let (tables, decays) = (try config.object("tables"), try config.object("layer_decay"))
        let weightDecay = try config.double("weight_decay")
        var compared = 0
        for kind in try tables.keys {
            let table = try tables.object(kind)
            let names = try table.keys
            switch kind {
            case "finetune_vit":
                var method = FineTuning<VisionTransformer.Config>.Config()
                method.layerDecay = try decays.double("vit")
                try Groups(vit: names, method).expect(names, weightDecay: weightDecay) {
                    try Self.rates(table, $0)
                }
            case "finetune_swin":
                // Swin spares its tables, as its recipe says.
                try Groups(
                    swin: names, layerDecay: try decays.double("swin"), decaysTables: false
                ).expect(names, weightDecay: weightDecay) { try Self.rates(table, $0) }
            case "pretrain_vit":
                let shape = ShapeOfNames.visionTransformer(names.map(Self.withoutEncoder))
                try expect(table, names, decayOf: Self.pretrained(shape))
            case "pretrain_swin":
                let shape = ShapeOfNames.swin(names.map(Self.withoutEncoder))
                try expect(table, names, decayOf: Self.pretrained(shape))
            default: continue
            }
            compared += names.count
        }
        // The tables are metadata; the file's only tensor is empty of meaning.
        item.compare("out/dummy") { _ in compared > 0 ? nil : "no table was compared" }
        item.finish()
    }

    private static func rates(_ table: ParityConfig, _ name: String) throws -> (Double, Double) {
        let row = try table.object(name)
        return (try row.double("lr_scale"), try row.double("weight_decay"))
    }

    private static func withoutEncoder(_ name: String) -> String {
        name.hasPrefix("encoder.") ? String(name.dropFirst("encoder.".count)) : name
    }

    private static func pretrained<Shape: SimMIMModel>(_ shape: Shape) throws -> [ParameterGroup] {
        var config = SimMIM<Shape>.Config()
        config.masks.unit = shape.patchSize
        let generator = Generator(seed: 1)
        return try SimMIM(
            config, backbone: shape.encoder(generator: generator), generator: generator
        ).parameterGroups
    }

    private func expect(
        _ table: ParityConfig, _ names: [String], decayOf groups: [ParameterGroup]
    ) throws {
        var seen: Set<String> = []
        for group in groups {
            for (own, _) in group.parameters {
                // The ViT's token for hidden patches has iBOT's name here.
                let name = own.replacing("masked_embed", with: "mask_token")
                seen.insert(name)
                let decays = group.weightDecayScale > 0 ? "decay" : "no_decay"
                #expect(try table.string(name) == decays, "\(name)")
            }
        }
        #expect(seen == Set(names))
    }
}

/// The groups of a method whose model has the given tensors.
private struct Groups {
    let layers: LayerNumbers
    private let groups: [ParameterGroup]
    private let order: [String]

    private init<Shape: FineTunedModel>(
        _ shape: Shape, _ config: FineTuning<Shape>.Config
    ) throws {
        var config = config
        (config.classes, config.mixing) = (3, nil)
        let generator = Generator(seed: 1)
        let method = try FineTuning<Shape>(
            config, backbone: shape.encoder(generator: generator), generator: generator)
        (layers, groups) = (shape.layers, method.parameterGroups)
        order = method.namedParameters.map(\.name)
    }

    init(vit names: [String], _ config: FineTuning<VisionTransformer.Config>.Config) throws {
        try self.init(ShapeOfNames.visionTransformer(names), config)
    }

    init(swin names: [String], layerDecay: Double, decaysTables: Bool) throws {
        var config = FineTuning<SwinTransformer.Config>.Config()
        (config.layerDecay, config.decaysBiasTables) = (layerDecay, decaysTables)
        try self.init(ShapeOfNames.swin(names), config)
    }

    /// The scale of each parameter's learning rate, in the order of the model.
    var scalesInOrder: [Double] {
        let scales = Dictionary(
            uniqueKeysWithValues: groups.flatMap { group in
                group.parameters.map { ($0.name, group.learningRateScale) }
            })
        return order.compactMap { scales[$0] }
    }

    /// Expects the recorded scale and decay of each name, and no other name.
    func expect(
        _ names: [String], weightDecay: Double,
        _ recorded: (String) throws -> (scale: Double, decay: Double)
    ) throws {
        var seen: Set<String> = []
        for group in groups {
            for (name, _) in group.parameters {
                seen.insert(name)
                guard names.contains(name) else { continue }
                let row = try recorded(name)
                #expect(group.learningRateScale == row.scale, "\(name)")
                #expect(group.weightDecayScale * weightDecay == row.decay, "\(name)")
            }
        }
        #expect(seen == Set(names))
    }
}

/// The smallest model whose tensors have the given names.
private enum ShapeOfNames {
    static func visionTransformer(_ names: [String]) -> VisionTransformer.Config {
        func has(_ end: String) -> Bool { names.contains { $0.hasSuffix(end) } }
        var config = VisionTransformer.Config()
        (config.imageSize, config.patchSize, config.width, config.heads) = (16, 8, 8, 2)
        config.depth = count(names, "blocks")
        config.positions = names.contains("pos_embed") ? .learned : .none
        config.relativePositions =
            names.contains("rel_pos_bias.relative_position_bias_table")
            ? .shared : has("attn.relative_position_bias_table") ? .perBlock : .none
        config.layerScale = has("gamma_1") ? 0.1 : nil
        config.qkvBias = has("q_bias") ? .queryAndValue : .all
        config.masksPatches = names.contains("mask_token")
        let norms = names.contains("fc_norm.weight")
        (config.pooling, config.finalNorm) = norms ? (.mean, .pooled) : (.token, .tokens)
        return config
    }

    static func swin(_ names: [String]) -> SwinTransformer.Config {
        var config = SwinTransformer.Config()
        let stages = count(names, "layers")
        config.depths = (0..<stages).map { count(names, "layers.\($0).blocks") }
        config.heads = Array(repeating: 1, count: stages)
        (config.width, config.window, config.imageSize) = (8, 2, 8 << stages)
        config.absolutePositions = names.contains("absolute_pos_embed")
        config.maskedPatches = names.contains("mask_token") ? .maskToken : .none
        return config
    }

    /// How many numbers follow a prefix.
    private static func count(_ names: [String], _ prefix: String) -> Int {
        let numbers = names.filter { $0.hasPrefix(prefix + ".") }.compactMap {
            Int($0.dropFirst(prefix.count + 1).split(separator: ".")[0])
        }
        return (numbers.max() ?? -1) + 1
    }
}
