import Configuration
import Data
import Imaging
import NN
import TestSupport
import Testing
import Torch
import Training
import VisionModels

@testable import Methods

@Suite("I-JEPA and StoP") struct JointEmbeddingTests {
    private static func encoder(classToken: Bool = false) -> VisionTransformer.Config {
        var encoder = VisionTransformer.Config()
        (encoder.imageSize, encoder.patchSize, encoder.channels) = (32, 4, 1)
        (encoder.width, encoder.depth, encoder.heads) = (16, 2, 2)
        encoder.classToken = classToken
        return encoder
    }

    private static func ijepa(
        _ encoder: VisionTransformer.Config = encoder(),
        _ change: (inout IJEPA.Config) -> Void = { _ in }
    ) throws -> IJEPA {
        var config = IJEPA.Config()
        (config.predictorWidth, config.predictorDepth, config.masks.minKeep) = (8, 2, 2)
        change(&config)
        try config.validate()
        let generator = Generator(seed: 1)
        return try IJEPA(
            config, backbone: VisionTransformer(encoder, generator: generator),
            generator: generator)
    }

    private static func stop(_ change: (inout StoP.Config) -> Void = { _ in }) throws -> StoP {
        var config = StoP.Config()
        (config.predictorWidth, config.predictorDepth, config.masks.minKeep) = (8, 2, 2)
        change(&config)
        try config.validate()
        let generator = Generator(seed: 1)
        return try StoP(
            config, backbone: VisionTransformer(encoder(), generator: generator),
            generator: generator)
    }

    private static func images(_ count: Int = 3, seed: UInt64 = 2) -> Tensor {
        .normal([count, 1, 32, 32], generator: Generator(seed: seed))
    }

    private static let start = Step(index: 0, epoch: 0, total: 10)

    // MARK: - Starting weights

    @Test("rescalesInit divides what block l writes by √(2l), in encoder and predictor alike")
    func rescaledStart() throws {
        let plain = try Self.ijepa()
        let rescaled = try Self.ijepa { $0.rescalesInit = true }
        let weights = Dictionary(plain.stateDict.map { ($0.name, $0.tensor) }) { first, _ in first }
        for (name, tensor) in rescaled.stateDict {
            let before = try #require(weights[name])
            let parts = name.split(separator: ".")
            let writes = name.hasSuffix("attn.proj.weight") || name.hasSuffix("mlp.fc2.weight")
            let block = parts.compactMap { Int($0) }.first ?? 0
            let factor = writes ? 1 / Double(2 * (block + 1)).squareRoot() : 1
            #expect((tensor - before * factor).abs().max().item < 1e-8, "\(name)")
        }
    }

    // MARK: - Names and gradients

    @Test("tensors are called as in the reference's checkpoints")
    func names() throws {
        let block = ["norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"]
        func pairs(_ modules: [String]) -> [String] {
            modules.flatMap { ["\($0).weight", "\($0).bias"] }
        }
        let blocks = (0..<2).flatMap { index in block.map { "blocks.\(index).\($0)" } }
        let encoder = ["pos_embed"] + pairs(["patch_embed.proj", "norm"] + blocks)
        let predictor =
            ["mask_token", "predictor_pos_embed"]
            + pairs(
                ["predictor_embed", "predictor_norm", "predictor_proj"]
                    + blocks.map { "predictor_" + $0 })
        let expected =
            encoder.flatMap { ["encoder.\($0)", "target_encoder.\($0)"] }
            + predictor.map { "predictor.\($0)" }
        #expect(try Self.ijepa().stateDict.map(\.name).sorted() == expected.sorted())
        #expect(try Self.stop().stateDict.map(\.name).sorted() == expected.sorted())
    }

    @Test("encoder and predictor get gradients, the target encoder and fixed positions none")
    func gradients() throws {
        let (ijepa, stop) = (try Self.ijepa(), try Self.stop())
        let batch = ImageBatch(images: Self.images())
        let cases: [(Module, Tensor, Set<String>)] = [
            (ijepa, ijepa.loss(batch, at: Self.start).total, []),
            (stop, stop.loss(batch, at: Self.start).total, ["predictor.mask_token"]),
        ]
        for (method, loss, unused) in cases {
            loss.backward()
            for (name, parameter) in method.namedParameters {
                let isTrained = !name.hasPrefix("target_encoder.") && !unused.contains(name)
                let length = parameter.gradient.map { $0.abs().max().item } ?? 0
                #expect((length > 0) == isTrained, "\(name)")
            }
        }
    }

    // MARK: - Steps

    @Test("the target encoder starts as the encoder and follows it")
    func movingAverage() throws {
        let method = try Self.ijepa { $0.momentum = [0.5, 1] }
        let start = method.encoder.parameters.map { $0.detached().values(as: Float.self) }
        #expect(
            method.targetEncoder.parameters.map { $0.detached().values(as: Float.self) } == start)
        noGrad {
            for parameter in method.encoder.parameters {
                parameter.addInPlace(Tensor.ones(parameter.shape))
            }
        }
        // Half of a run of ten steps: a momentum of 0.75.
        method.afterStep(Step(index: 5, epoch: 0, total: 10))
        for (average, before) in zip(method.targetEncoder.parameters, start) {
            let moved = average.detached() - Tensor(before, shape: average.shape)
            expect(moved, closeTo: Tensor.full(average.shape, 0.25), atol: 1e-6)
            #expect(!average.requiresGrad)
        }
    }

    @Test("the loss of I-JEPA as the paper writes it, picture by picture")
    func lossFormula() throws {
        let method = try Self.ijepa { $0.masks.truncation = .none }
        let batch = ImageBatch(images: Self.images(5))
        let blocks = batch.multiBlock(
            MultiBlockMask.ijepa(minKeep: 2, truncation: .none),
            on: method.encoder.maskGrid(of: batch.images))
        // Contexts of different lengths, filled up and masked, are what each picture has by itself.
        #expect(blocks.contexts[0].length == nil)
        var losses: [Double] = []
        for index in 0..<5 {
            let image = batch.images[index..<index + 1]
            let target = method.targetEncoder(image).detached()
            let normalized =
                (target - target.mean(-1, keepDim: true))
                / (target.variance(-1, correction: 0, keepDim: true) + 1e-5).sqrt()
            let context = blocks.contexts[0].rows[index]
            let tokens = method.encoder.encode(
                method.encoder.patchTokens(image)
                    .selectingTokens(Tensor(context, shape: [1, context.count])))
            for lists in blocks.targets {
                let patches = Tensor(lists.rows[index], shape: [1, lists.rows[index].count])
                let predicted = method.predictor(
                    tokens,
                    at: [PatchSelection(patches: Tensor(context, shape: [1, context.count]))],
                    predicting: [patches], on: method.encoder.grid(of: image),
                    asking: method.predictor.maskToken)
                losses.append(predicted.smoothL1(normalized.selectingTokens(patches)).item)
            }
        }
        let expected = losses.reduce(0, +) / Double(losses.count)
        let found = method.loss(batch, at: Self.start).total.item
        #expect(abs(found - expected) < 1e-5 * expected, "\(found) for \(expected)")
    }

    @Test("several contexts of different lengths, and a part of one picture")
    func raggedContexts() throws {
        let method = try Self.ijepa {
            ($0.masks.truncation, $0.masks.contexts) = (.none, 3)
            $0.masks.contextScale = [0.3, 0.9]
        }
        let batch = ImageBatch(images: Self.images(6), seed: 3)
        let whole = method.loss(batch, at: Self.start)
        whole.total.backward()
        #expect(whole.total.item.isFinite)
        #expect(method.parameters.allSatisfy { $0.gradient?.isFinite().allTrue ?? true })
        #expect(whole.parts.map(\.name).contains("target_std"))
        // Blocks are the same in parts, and every picture counts alike.
        let parts = batch.parts(6).map { method.loss($0, at: Self.start) }
        let mean = parts.reduce(0) { $0 + $1.total.item } / 6
        #expect(abs(mean - whole.total.item) < 1e-5)
        // One picture differs from no other.
        for name in ["target_std", "uninformed_loss"] {
            #expect(!parts[0].parts.map(\.name).contains(name))
        }
    }

    @Test("the spread of targets is measured at each place")
    func spread() {
        // Two images of two places and one feature: they differ by 1 at the first, by 4 at the second.
        let targets = Tensor([0.5, 9, -0.5, 5] as [Float]).reshaped(2, 2, 1)
        let found = Dictionary(
            uniqueKeysWithValues: targets.spread.map { ($0.name, $0.value.item) })
        #expect(abs((found["target_std"] ?? 0) - (0.5.squareRoot() + 8.0.squareRoot()) / 2) < 1e-6)
        // Half a square up to 1, a half less than the difference beyond.
        #expect(abs((found["uninformed_loss"] ?? 0) - (0.5 + 3.5) / 2) < 1e-6)
        let three = Tensor([0, 3, 6] as [Float]).reshaped(3, 1, 1).spread
        // From the means of the others, 4.5, 3 and 1.5.
        #expect(abs((three.last?.value.item ?? 0) - (4 + 0 + 4) / 3) < 1e-6)
        #expect(Tensor.ones([3, 2, 1]).spread.allSatisfy { $0.value.item == 0 })
    }

    @Test(
        "a convolutional stem learns, and moves its own statistics only",
        arguments: [DType.float32, .bfloat16])
    func stem(precision: DType) throws {
        var encoder = Self.encoder()
        encoder.stem = ConvolutionalStem.Form(channels: [4, 8], strides: [2, 2, 1])
        let method = try Self.ijepa(encoder) { $0.masks.truncation = .none }
        let statistics = { (model: VisionTransformer) in
            model.stateDict.filter { $0.name.hasSuffix("running_mean") }
                .map { $0.tensor.values(as: Float.self) }
        }
        let batch = ImageBatch(images: Self.images(4) + 1)
        let before = statistics(method.encoder)
        let loss = autocast(to: precision == .float32 ? nil : precision, on: .cpu) {
            method.loss(batch, at: Self.start)
        }
        loss.total.backward()
        #expect(loss.total.item.isFinite)
        let gradients = method.encoder.namedParameters.filter { $0.0.hasPrefix("patch_embed.") }
            .map { $0.1.gradient?.abs().max().item ?? 0 }
        #expect(gradients.count == 8 && gradients.allSatisfy { $0 > 0 && $0.isFinite })
        // Both encoders have seen the same pictures once.
        #expect(before.count == 2 && statistics(method.encoder) != before)
        #expect(statistics(method.targetEncoder) == statistics(method.encoder))
    }

    // MARK: - Noise

    @Test("noise belongs to a picture and its epoch, whatever else is in the batch")
    func noise() throws {
        let method = try Self.stop { $0.masks.truncation = .none }
        let whole = ImageBatch(images: Self.images(4), seed: 7)
        func noise(_ batch: ImageBatch) throws -> Tensor {
            let blocks = batch.multiBlock(
                method.config.masks, on: method.encoder.maskGrid(of: batch.images))
            let masks = JointEmbeddingMasks(blocks, on: .cpu)
            let all = try #require(method.noise(for: batch, masks).targets)
            let (rows, m, d) = all.shape3
            return all.reshaped(masks.targets.count, rows / masks.targets.count, m, d)
        }
        let all = try noise(whole)  // [P, B, M, D]
        let parts = try whole.parts(2).map(noise)
        #expect(all.isEqual(to: concatenated(parts, 1)))
        #expect(abs(all.variance(0, 1, 2, 3).sqrt().item - method.config.noiseStd) < 0.02)
        #expect(!all[0..., 0].isEqual(to: all[0..., 1]))
        let other = ImageBatch(images: Self.images(4), seed: 8)
        #expect(!(try noise(other)).isEqual(to: all))
    }

    @Test(
        "arms of the ablation",
        arguments: StoP.Covariance.allCases, StoP.NoisyTokens.allCases)
    func ablation(covariance: StoP.Covariance, noisy: StoP.NoisyTokens) throws {
        let method = try Self.stop {
            ($0.covariance, $0.noisyTokens, $0.noiseStd) = (covariance, noisy, 2)
        }
        let batch = ImageBatch(images: Self.images())
        let quiet = try Self.stop { $0.positions = .deterministic }
        try quiet.load(
            Dictionary(method.stateDict.map { ($0.name, $0.tensor) }) { $1 }, strict: false)
        let (loud, still) = (
            method.loss(batch, at: Self.start).total, quiet.loss(batch, at: Self.start).total
        )
        #expect(loud.item != still.item && loud.item.isFinite)
        loud.backward()
        let matrix = method.noiseEmbed?.weight.gradient
        #expect((matrix != nil) == (covariance == .free))
        let expected = method.positionCovariance()
        #expect(expected.shape == [8, 8] && expected.isEqual(to: expected.transposed()))
        let losses = method.loss(batch, at: Self.start)
        let trace = (0..<8).reduce(0) { $0 + expected[$1, $1].item }
        let logged = losses.parts.first { $0.name == "noise_to_position" }?.value.item ?? -1
        #expect(abs(logged - (trace / 4).squareRoot()) < 1e-5)
    }

    @Test("learned positions are trained, a mask token is where it is asked for")
    func choices() throws {
        let method = try Self.stop {
            ($0.positions, $0.addsMaskToken) = (.learned, true)
        }
        method.loss(ImageBatch(images: Self.images()), at: Self.start).total.backward()
        let gradients = Dictionary(method.namedParameters.map { ($0.name, $0.tensor.gradient) }) {
            $1
        }
        for name in ["predictor.predictor_pos_embed", "predictor.mask_token"] {
            let gradient = try #require(gradients[name].flatMap { $0 }, "\(name)")
            #expect(gradient.isFinite().allTrue && gradient.abs().max().item > 0, "\(name)")
        }
    }

    // MARK: - Settings

    @Test("settings that do not fit are refused with their key")
    func settings() {
        func key(_ body: () throws -> Void) -> String? {
            do {
                try body()
                return nil
            } catch { return (error as? ConfigurationError)?.key }
        }
        for (expected, change) in [
            ("predictorWidth", { $0.predictorWidth = 6 }),
            ("predictorDepth", { $0.predictorDepth = 0 }),
            ("predictorHeads", { $0.predictorHeads = 3 }), ("momentum", { $0.momentum = [1] }),
            ("momentum", { $0.momentum = [0.9, 1.1] }),
            ("method.masks.targetScale", { $0.masks.targetScale = [0.01, 0.02] }),
        ] as [(String, (inout IJEPA.Config) -> Void)] {
            #expect(key { _ = try Self.ijepa(Self.encoder(), change) } == expected)
        }
        #expect(key { _ = try Self.ijepa(Self.encoder(classToken: true)) } == "model.classToken")
        var encoder = Self.encoder()
        encoder.finalNorm = .none
        #expect(key { _ = try Self.ijepa(encoder) } == "model.finalNorm")
        for (expected, change) in [
            ("noiseStd", { $0.noiseStd = -1 }), ("targetBlocks", { $0.targetBlocks = 0 }),
        ] as [(String, (inout StoP.Config) -> Void)] {
            #expect(key { _ = try Self.stop(change) } == expected)
        }
    }

    @Test("noise without noisy positions is said, more target blocks than blocks are refused")
    func idleSettings() throws {
        typealias Settings = RunConfiguration<StoP.Config>
        func warnings(_ overrides: String...) throws -> [String] {
            StoP.Config.warnings(try Settings.resolve(overrides: overrides).value)
        }
        #expect(try warnings("method.noiseStd=0.5").isEmpty)
        #expect(try warnings("method.positions=learned").isEmpty)
        let idle = try warnings("method.positions=deterministic", "method.noiseStd=0.5")
        #expect(idle.count == 1 && idle[0].hasPrefix("method.noiseStd without effect"), "\(idle)")
        let error = #expect(throws: ConfigurationError.self) {
            try Settings.resolve(overrides: ["model.depth=2", "method.targetBlocks=3"])
        }
        #expect(error?.key == "method.targetBlocks")
    }

    @Test("a method sets the defaults of the other sections")
    func defaults() throws {
        let run = try RunConfiguration<StoP.Config>.resolve().value
        #expect(!run.model.classToken && run.optim.lr == 8e-4 && run.optim.betas == [0.9, 0.999])
        #expect(run.schedule.startLr == 2e-4 && run.schedule.endWeightDecay == 0.4)
        #expect(run.schedule.epochs == 600 && run.schedule.firstStep == 1)
        #expect(StoP.Config.augmentation(size: 28).size == 28)
        let mae = try RunConfiguration<MAE.Config>.resolve().value
        #expect(mae.model.classToken && mae.schedule.endWeightDecay == nil)
    }
}

extension MultiBlockMask {
    fileprivate static func ijepa(minKeep: Int, truncation: Truncation) -> MultiBlockMask {
        var mask = MultiBlockMask.ijepa
        (mask.minKeep, mask.truncation) = (minKeep, truncation)
        return mask
    }
}
