import Evaluation
import NN
import Testing
import Torch
import VisionModels

@Suite("Feature extraction") struct FeatureExtractorTests {
    private func encoder(classToken: Bool = true) throws -> VisionTransformer {
        var config = VisionTransformer.Config()
        config.imageSize = 8
        config.patchSize = 4
        config.width = 12
        config.depth = 3
        config.heads = 2
        config.classToken = classToken
        config.dropPath = 0.9
        return try VisionTransformer(config, generator: Generator(seed: 1))
    }

    private func images(_ count: Int, seed: UInt64 = 2) -> Tensor {
        Tensor.normal([count, 3, 8, 8], generator: Generator(seed: seed))
    }

    private func extractor(
        _ encoder: VisionTransformer, _ tokens: FeatureExtractor.TokenChoice,
        blocks: Int = 1, finalNorm: Bool = true
    ) throws -> FeatureExtractor {
        var config = FeatureExtractor.Config()
        config.tokens = tokens
        config.blocks = blocks
        config.finalNorm = finalNorm
        return try FeatureExtractor(encoder, config)
    }

    @Test("every choice takes the tokens it names", arguments: [true, false])
    func choices(finalNorm: Bool) throws {
        let encoder = try encoder()
        encoder.evaluate()
        let x = images(2)
        let outputs = encoder.blockOutputs(x).suffix(2).map {
            (finalNorm ? encoder.final($0) : $0).detached()
        }
        let cls = outputs.map { $0[0..., 0] }
        let means = outputs.map { $0[0..., 1...].mean(1) }
        func found(_ tokens: FeatureExtractor.TokenChoice, _ blocks: Int) throws -> Tensor {
            let extractor = try extractor(encoder, tokens, blocks: blocks, finalNorm: finalNorm)
            let features = extractor(x)
            #expect(features.shape == [2, extractor.width])
            #expect(!features.requiresGrad)
            return features
        }
        func equal(_ a: Tensor, _ b: Tensor) -> Bool { (a - b).abs().max().item < 1e-6 }
        #expect(equal(try found(.cls, 1), cls[1]))
        #expect(equal(try found(.cls, 2), concatenated(cls, 1)))
        #expect(equal(try found(.mean, 1), means[1]))
        #expect(equal(try found(.mean, 2), concatenated(means, 1)))
        #expect(equal(try found(.clsAndMean, 2), concatenated(cls + [means[1]], 1)))
        // Whatever the final norm, which it is in the place of.
        let raw = encoder.blockOutputs(x).suffix(2).map { $0.detached()[0..., 1...].mean(1) }
        let normalized = raw.map {
            ($0 - $0.mean(-1, keepDim: true))
                / ($0.variance(-1, keepDim: true) * (Double($0.shape[1] - 1) / Double($0.shape[1]))
                + 1e-6).sqrt()
        }
        #expect(
            (try found(.normalizedMean, 2) - concatenated(normalized, 1)).abs().max().item < 1e-5)
    }

    @Test("several kinds of one pass are the same as each of its own, in batches too")
    func together() throws {
        let encoder = try encoder()
        encoder.evaluate()
        let extractors = [
            try extractor(encoder, .cls, blocks: 3), try extractor(encoder, .mean),
            try extractor(encoder, .clsAndMean, blocks: 2, finalNorm: false),
        ]
        let x = images(4)
        let found = FeatureForms(extractors)(x)
        try #require(found.count == 3)
        for (extractor, features) in zip(extractors, found) {
            #expect(features.isEqual(to: extractor(x)))
        }
        let batches = [x[..<3], x[3...]].map {
            LabelledBatch(images: $0, labels: Array(0..<$0.shape[0]))
        }
        let joined = FeatureForms(extractors).extract(batches)
        try #require(joined.count == 3)
        for (features, whole) in zip(joined, found) {
            #expect(features.labels == [0, 1, 2, 0])
            #expect((features.values - whole).abs().max().item < 1e-5)
        }
    }

    @Test("at several scales the mean at unit length; generalised means of patches")
    func otherForms() throws {
        let encoder = try encoder()
        encoder.evaluate()
        let x = images(2)
        var config = FeatureExtractor.Config()
        config.scales = [1, 0.5]
        let plain = try extractor(encoder, .cls)
        let small = x.interpolatedBilinear(height: 4, width: 4, scale: (0.5, 0.5))
        let expected = (plain(x) + plain(small)).normalized()
        #expect((try FeatureExtractor(encoder, config)(x) - expected).abs().max().item < 1e-5)
        for scales in [[], [1, 0.05], [1e30], [-1]] {
            config.scales = scales
            #expect(throws: (any Error).self) { try FeatureExtractor(encoder, config) }
        }
        let extractor = try extractor(encoder, .clsAndGeM)
        let tokens = encoder.final(try #require(encoder.blockOutputs(x).last)).detached()
        let patches = tokens[0, 1..., 3].values(as: Double.self).map { max($0, 1e-6) }
        let mean = patches.reduce(0) { $0 + $1 * $1 * $1 * $1 } / Double(patches.count)
        let found = extractor(x)
        #expect(found.shape == [2, extractor.width])
        #expect(abs(found[0, 12 + 3].item - mean.squareRoot().squareRoot()) < 1e-5)
    }

    @Test("all tokens of a block before the last")
    func earlier() throws {
        let encoder = try encoder()
        encoder.evaluate()
        var config = FeatureExtractor.Config()
        (config.tokens, config.leftOut, config.finalNorm) = (.all, 1, false)
        let found = try FeatureExtractor(encoder, config)(images(2))
        let expected = encoder.blockOutputs(images(2))[1].detached().flattened(1)
        #expect(found.shape == [2, 5 * 12])
        #expect((found - expected).abs().max().item < 1e-6)
        config.leftOut = 3
        #expect(throws: (any Error).self) { try FeatureExtractor(encoder, config) }
    }

    @Test("patches weighted by attention, of any block; beside other kinds the same as alone")
    func attention() throws {
        let encoder = try encoder()
        encoder.evaluate()
        var config = FeatureExtractor.Config()
        (config.attention, config.leftOut, config.finalNorm) = (.classAttention, 1, false)
        let found = try FeatureExtractor(encoder, config)
        var traces: [BlockTrace] = []
        _ = noGrad { encoder.trace(images(2)) { traces.append($0) } }
        let weights = traces[1].weights[0..., 0..., 0, 1...].mean(1)  // [B, N]
        let shares = (weights / weights.sum(1, keepDim: true)).unsqueezed(2)
        let expected = (traces[1].output[0..., 1...] * shares).sum(1)
        #expect(found.width == 12)
        #expect((found(images(2)) - expected).abs().max().item < 1e-5)
        let both = FeatureForms([try extractor(encoder, .mean), found])(images(2))
        #expect(both[1].isEqual(to: found(images(2))))
        #expect(both[0].isEqual(to: try extractor(encoder, .mean)(images(2))))

        config.leftOut = 0
        config.blocks = 2
        #expect(throws: (any Error).self) { try FeatureExtractor(encoder, config) }
        config.blocks = 1
        let plain = try self.encoder(classToken: false)
        #expect(throws: (any Error).self) { try FeatureExtractor(plain, config) }
        config.attention = .centerAttention2
        #expect(try FeatureExtractor(plain, config)(images(1)).shape == [1, 12])
    }

    @Test("batches are joined in order, in evaluation mode, and the mode comes back")
    func batches() throws {
        let encoder = try encoder()
        let extractor = try extractor(encoder, .cls)
        let x = images(5)
        var seen: [Int] = []
        let batches = [
            LabelledBatch(images: x[..<3], labels: [0, 1, 2]),
            LabelledBatch(images: x[3...], labels: [1, 0]),
        ]
        let features = extractor.extract(batches, classNames: ["a", "b", "c"]) { seen.append($0) }
        #expect(encoder.isTraining && encoder.blocks[0].isTraining)
        #expect(features.labels == [0, 1, 2, 1, 0])
        #expect(features.classCount == 3)
        #expect(seen == [3, 5])
        encoder.evaluate()
        let whole = extractor(x)
        // In training mode drop path would drop nine branches of ten.
        #expect((features.values - whole).abs().max().item < 1e-5)
    }

    @Test("no batches are no features")
    func empty() throws {
        let features = try extractor(encoder(), .clsAndMean, blocks: 2).extract([])
        #expect(features.values.shape == [0, 36])
    }

    @Test("an encoder without class token has no cls features; blocks are limited")
    func refusals() throws {
        let plain = try encoder(classToken: false)
        #expect(throws: (any Error).self) { try extractor(plain, .cls) }
        #expect(throws: (any Error).self) { try extractor(plain, .mean, blocks: 4) }
        #expect(throws: (any Error).self) { try extractor(plain, .mean, blocks: 0) }
        #expect(try extractor(plain, .mean)(images(1)).shape == [1, 12])
    }

    @Test(
        "blocks that the encoder does not have are refused with how many there may be",
        arguments: [
            (4, 0, 1, "blocks is 4, expected at most 3, the encoder's number of blocks"),
            (
                2, 0, 3,
                "blocks is 2, expected at most 1 with stride 3 and leftOut 0, of the encoder's 3 blocks"
            ),
            (
                3, 1, 1,
                "blocks is 3, expected at most 2 with stride 1 and leftOut 1, of the encoder's 3 blocks"
            ),
            (1, 3, 1, "leftOut is 3, expected at most 2: the encoder has 3 blocks"),
            (Int.max, 0, 2, "expected at most 2 with stride 2"),
        ])
    func tooManyBlocks(blocks: Int, leftOut: Int, stride: Int, text: String) throws {
        let encoder = try encoder()
        var config = FeatureExtractor.Config()
        (config.blocks, config.leftOut, config.stride) = (blocks, leftOut, stride)
        #expect {
            _ = try FeatureExtractor(encoder, config)
        } throws: {
            "\($0)".contains(text)
        }
        (config.blocks, config.leftOut, config.stride) = (2, 0, 2)
        #expect(try FeatureExtractor(encoder, config).width == 24)
    }

    @Test("bf16 is close to fp32")
    func precision() throws {
        let encoder = try encoder()
        encoder.evaluate()
        var config = FeatureExtractor.Config()
        let exact = try FeatureExtractor(encoder, config)(images(4))
        config.precision = .bf16
        let rough = try FeatureExtractor(encoder, config)(images(4))
        #expect(rough.dtype == .float32)
        let distance = (exact - rough).abs().max().item
        #expect(distance > 0 && distance < 0.1)
    }
}
