import Configuration
import NN
import TestSupport
import Testing
import Torch
import VisionModels

/// The forms that the families' models have, beyond the plain one.
@Suite("Forms of the vision transformer") struct VisionTransformerFormTests {
    /// A form, named after a model that has it.
    struct Form: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: @Sendable (inout VisionTransformer.Config) -> Void

        init(_ name: String, _ change: @escaping @Sendable (inout VisionTransformer.Config) -> Void)
        {
            (testDescription, self.change) = (name, change)
        }

        var config: VisionTransformer.Config {
            var config = VisionTransformer.Config()
            (config.imageSize, config.patchSize, config.width) = (24, 4, 16)
            (config.depth, config.heads, config.positions) = (2, 2, .learned)
            change(&config)
            return config
        }
    }

    static let forms = [
        Form("plain") { _ in },
        Form("DeiT distilled") { $0.distillationToken = true },
        Form("registers with positions") { $0.registers = 4 },
        Form("DeiT III") { $0.positionedTokens = .patches },
        Form("DINOv2 with registers") {
            ($0.registers, $0.positionedTokens, $0.layerScale) = (4, .classAndPatches, 1)
            ($0.mlp, $0.mlpRatio) = (.swiGLU, 2.5)
        },
        Form("registers alone") {
            ($0.classToken, $0.registers, $0.queryKeyNorm) = (false, 3, true)
            ($0.pooling, $0.finalNorm) = (.mean, .pooled)
        },
        Form("CLIP") { ($0.preNorm, $0.patchBias) = (true, false) },
        Form("BEiT") {
            ($0.positions, $0.relativePositions, $0.qkvBias) = (.none, .perBlock, .queryAndValue)
            ($0.layerScale, $0.pooling, $0.finalNorm) = (1, .mean, .pooled)
        },
        Form("BEiT in pre-training") {
            ($0.positions, $0.relativePositions, $0.qkvBias) = (.none, .shared, .queryAndValue)
            ($0.layerScale, $0.masksPatches) = (1, true)
        },
        Form("relative positions without class token") {
            ($0.positions, $0.relativePositions, $0.classToken) = (.none, .perBlock, false)
        },
        Form("EVA-02") {
            ($0.mlp, $0.mlpNorm, $0.attentionNorm, $0.qkvBias) = (.swiGLU, true, true, .none)
        },
    ]

    private func images(_ height: Int, _ width: Int) -> Tensor {
        .normal([2, 3, height, width], generator: Generator(seed: 3))
    }

    @Test("names and shapes tell the form", arguments: forms)
    func inference(form: Form) throws {
        let model = try VisionTransformer(form.config, generator: nil)
        let shapes = Dictionary(
            uniqueKeysWithValues: model.stateDict.map { ($0.name, $0.tensor.shape) })
        let found = try VisionTransformer.Config(inferredFrom: shapes, heads: 2) {
            if $0.positions != .none { $0.positions = .learned }
        }
        #expect(found == form.config)
    }

    @Test(
        "any size of picture; each of a batch for itself",
        arguments: forms, [(24, 24), (16, 28), (20, 20)])
    func sizes(form: Form, size: (Int, Int)) throws {
        let model = try VisionTransformer(form.config, generator: Generator(seed: 1))
        let x = images(size.0, size.1)
        let tokens = noGrad { model(x) }
        let count = form.config.extraTokens + size.0 / 4 * (size.1 / 4)
        #expect(tokens.shape == [2, count, 16])
        let alone = noGrad { concatenated([model(x[..<1]), model(x[1...])], 0) }
        expect(tokens, closeTo: alone, atol: 1e-5)
        #expect(noGrad { model.feature(x) }.shape == [2, 16])
        let attention = noGrad { model.lastAttention(x) }
        #expect(attention.shape == [2, 2, count, count])
    }

    @Test("every parameter but unused ones gets a gradient", arguments: forms)
    func gradients(form: Form) throws {
        let model = ViTClassifier(
            try VisionTransformer(form.config, generator: Generator(seed: 1)), classCount: 3,
            generator: Generator(seed: 2))
        // Zero at the start: the projection of nothing has no gradient.
        model(images(24, 24)).squared().sum().backward()
        for (name, parameter) in model.namedParameters where name != "masked_embed" {
            let largest = parameter.gradient?.abs().max().item ?? 0
            #expect(largest > 0, "\(name)")
        }
    }

    @Test("rotary positions tell patches apart", arguments: RotaryEmbedding.Kind.allCases)
    func rotary(kind: RotaryEmbedding.Kind) throws {
        var config = Self.forms[0].config
        (config.positions, config.rotary, config.registers) = (.none, kind, 2)
        let model = try VisionTransformer(config, generator: Generator(seed: 1))
        let x = images(24, 24)
        let (whole, turned) = noGrad { (model(x), model(x.flipped(2))) }
        // Without positions the tokens of a flipped picture are those of the picture, flipped.
        #expect((whole[0..., 0] - turned[0..., 0]).abs().max().item > 1e-4)
        config.rotary = nil
        let plain = try VisionTransformer(config, generator: Generator(seed: 1))
        try plain.load(
            Dictionary(uniqueKeysWithValues: model.stateDict.map { ($0.name, $0.tensor) }))
        #expect(!noGrad { plain(x) }.isEqual(to: whole))
        #expect(noGrad { model(images(16, 28)) }.shape == [2, 31, 16])
    }

    @Test("tokens come in the order class, distillation, registers, patches")
    func order() throws {
        var config = Self.forms[0].config
        (config.distillationToken, config.registers, config.positions) = (true, 2, .none)
        let model = try VisionTransformer(config, generator: Generator(seed: 4))
        let state = Dictionary(uniqueKeysWithValues: model.stateDict.map { ($0.name, $0.tensor) })
        let extra = try ["cls_token", "dist_token", "reg_token"].map { try #require(state[$0]) }
        let tokens = model.tokens(images(24, 24)).detached()
        expect(tokens[..<1, ..<4], closeTo: concatenated(extra, 1).detached())
    }

    @Test("forms that do not go together are refused with their key")
    func impossible() {
        func key(_ change: (inout VisionTransformer.Config) -> Void) -> String? {
            var config = Self.forms[0].config
            change(&config)
            do {
                try config.validate()
                return nil
            } catch { return (error as? ConfigurationError)?.key }
        }
        #expect(key { $0.mlpNorm = true } == "mlpNorm")
        #expect(key { $0.registers = -1 } == "registers")
        #expect(key { ($0.relativePositions, $0.registers) = (.shared, 1) } == "relativePositions")
        #expect(key { ($0.rotary, $0.width) = (.eva02, 12) } == "rotary")
        #expect(key { $0.rotaryBase = 10 } == "rotaryBase")
        #expect(key { $0.rotaryGrid = 16 } == "rotaryGrid")
        #expect(key { ($0.rotary, $0.rotaryBase) = (.eva02, 0) } == "rotaryBase")
        #expect(key { _ in } == nil)
    }

    @Test("every setting has a line of help")
    func documentation() {
        let names = Mirror(reflecting: VisionTransformer.Config()).children.compactMap(\.label)
        #expect(Set(names) == Set(VisionTransformer.Config.documentation.keys))
    }
}
