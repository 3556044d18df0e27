import Testing
import Torch

@testable import Optimizers

@Suite("Parameter groups") struct ParameterGroupTests {
    private func parameter(_ name: String, _ shape: [Int], trained: Bool = true) -> (
        name: String, tensor: Tensor
    ) {
        (name, Tensor.zeros(shape).requiringGrad(trained))
    }

    private var model: [(name: String, tensor: Tensor)] {
        [
            parameter("cls_token", [1, 1, 4]), parameter("pos_embed", [1, 5, 4]),
            parameter("patch_embed.proj.weight", [4, 3, 2, 2]),
            parameter("patch_embed.proj.bias", [4]),
            parameter("blocks.0.norm1.weight", [4]), parameter("blocks.0.mlp.fc1.weight", [8, 4]),
            parameter("blocks.11.mlp.fc1.weight", [8, 4]),
            parameter("frozen.weight", [2, 2], trained: false), parameter("head.bias", [1, 2]),
        ]
    }

    @Test("vectors and biases do not decay, tokens and positions do")
    func decay() {
        let groups = ParameterGroup.byDecay(model)
        #expect(
            groups.map { $0.parameters.map(\.name) } == [
                ["patch_embed.proj.bias", "blocks.0.norm1.weight", "head.bias"],
                [
                    "cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.mlp.fc1.weight",
                    "blocks.11.mlp.fc1.weight",
                ],
            ])
        #expect(groups.map(\.weightDecayScale) == [0, 1])
        #expect(groups.map(\.learningRateScale) == [1, 1])
    }

    @Test("the decayed group can come first")
    func order() {
        let groups = ParameterGroup.byDecay(model, order: .decayedFirst)
        #expect(groups.map(\.weightDecayScale) == [1, 0])
        #expect(groups.map(\.parameters.count) == [5, 3])
    }

    @Test(
        "layers of a ViT are numbered from the embeddings to the head",
        arguments: [
            ("cls_token", 0), ("pos_embed", 0), ("patch_embed.norm.weight", 0), ("reg_token", 0),
            ("blocks.0.attn.qkv.weight", 1), ("blocks.11.norm1.bias", 12), ("norm.weight", 13),
            ("rel_pos_bias.relative_position_bias_table", 13), ("fc_norm.bias", 13),
            ("head.weight", 13), ("blocks", 13), ("blocks.x.weight", 13),
        ])
    func layers(name: String, layer: Int) {
        #expect(LayerNumbers.visionTransformer(depth: 12).number(of: name) == layer)
    }

    @Test(
        "blocks of a Swin are counted through its stages",
        arguments: [
            ("patch_embed.norm.weight", 0), ("mask_token", 0), ("absolute_pos_embed", 6),
            ("layers.0.blocks.0.norm1.weight", 1), ("layers.0.blocks.1.mlp.fc1.weight", 2),
            ("layers.0.downsample.reduction.weight", 2), ("layers.1.blocks.2.norm2.bias", 5),
            ("norm.weight", 6), ("head.bias", 6), ("layers.7.blocks.0.norm1.weight", 6),
        ])
    func swinLayers(name: String, layer: Int) {
        #expect(LayerNumbers.swin(depths: [2, 3]).number(of: name) == layer)
    }

    @Test("a part of the learning rate may be the same for all layers")
    func floor() {
        let group = ParameterGroup([], learningRateScale: 0.25)
        #expect(group.learningRate(0.8, floor: 0) == 0.2)
        #expect(abs(group.learningRate(0.8, floor: 0.4) - 0.5) < 1e-15)
        #expect(ParameterGroup([]).learningRate(0.3, floor: 0.1) == 0.1 + (0.3 - 0.1))
    }

    @Test("layer decay multiplies the learning rate once for each layer above")
    func layerDecay() {
        let groups = ParameterGroup.byLayer(
            model, .visionTransformer(depth: 12), decay: 0.5)
        #expect(
            groups.map { $0.parameters.map(\.name) } == [
                ["cls_token", "pos_embed", "patch_embed.proj.bias"], ["patch_embed.proj.weight"],
                ["blocks.0.norm1.weight"], ["blocks.0.mlp.fc1.weight"],
                ["blocks.11.mlp.fc1.weight"], ["head.bias"],
            ])
        let lowest = 1.0 / 8192
        #expect(
            groups.map(\.learningRateScale) == [
                lowest, lowest, lowest * 2, lowest * 2, 0.5, 1,
            ])
        #expect(groups.map(\.weightDecayScale) == [0, 1, 0, 1, 1, 1])
    }
}
