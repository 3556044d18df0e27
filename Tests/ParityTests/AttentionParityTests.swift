import Analysis
import Evaluation
import NN
import TestSupport
import Testing
import Torch
import VisionModels

@Suite("Attention equal to Beyond [cls]'s") struct AttentionParityTests {
    // MARK: - Statistics

    @Test(
        "statistics of two batches",
        arguments: ParityTable.cases("beyondcls", "beyond_attention_stats_vit"))
    func statistics(item: ParityCase) throws {
        try compareStatistics(of: Self.encoder(item), item)
        item.finish()
    }

    @Test(
        "statistics and features of SimMIM's encoder",
        arguments: ParityTable.cases("beyondcls", "beyond_simmim_features_stats"))
    func simMIM(item: ParityCase) throws {
        let encoder = try Self.encoder(item)
        try compareStatistics(of: encoder, item)
        let images = try item.tensor("in/imgs0")
        let outputs = noGrad { encoder.blockOutputs(images) }
        let raw = try #require(outputs.last)
        let tolerance = Tolerance(atol: 1e-4, rtol: 1e-4)
        item.compare("out/feat_raw", raw, tolerance: tolerance)
        item.compare("out/feat_cls", raw[0..., 0], tolerance: tolerance)
        item.compare("out/feat_pos", raw[0..., 1...].mean(1), tolerance: tolerance)
        item.compare("out/raw_return_block0", outputs[0], tolerance: tolerance)
        item.compare(
            "out/logits_cls",
            raw[0..., 0].linear(try item.tensor("w/head.weight"), try item.tensor("w/head.bias")),
            tolerance: tolerance)
        item.finish()
    }

    private func compareStatistics(of encoder: VisionTransformer, _ item: ParityCase) throws {
        var parts: [AttentionStatistics] = []
        while try item.contains("in/imgs\(parts.count)") {
            parts.append(
                AttentionStatistics(encoder, images: try item.tensor("in/imgs\(parts.count)")))
        }
        let labels = try (0..<parts.count).map { try item.tensor("in/labels\($0)") }
        let joined = AttentionStatistics.joined(parts)
        let columns = try item.config.array("columns").map { try $0.string }
        #expect(columns == AttentionStatistics.HeadQuantity.allCases.map(\.rawValue))
        let tolerance = Tolerance(atol: 1e-4, rtol: 1e-4)
        item.compare("out/labels", concatenated(labels, 0))
        item.compare("out/attn_stats", joined.heads, tolerance: tolerance)
        item.compare("out/magn_stats", joined.magnitudes, tolerance: tolerance)
        item.compare("out/mean_attn_stats", joined.meanHeads, tolerance: tolerance)
        item.compare("out/mean_magn_stats", joined.meanMagnitudes, tolerance: tolerance)
        item.compare("out/features", joined.features, tolerance: tolerance)
    }

    // MARK: - Features

    @Test(
        "every mode of features, and the numbers of every token",
        arguments: ParityTable.cases("beyondcls", "beyond_vit_features"))
    func features(item: ParityCase) throws {
        let encoder = try Self.encoder(item)
        let images = try item.tensor("in/imgs")
        let grid = encoder.grid(of: images)
        let tolerance = Tolerance(atol: 1e-4, rtol: 1e-4)
        var traces: [BlockTrace] = []
        let raw = noGrad { encoder.trace(images) { traces.append($0) } }
        let last = try #require(traces.last)
        for mode in try item.config.array("modes").map({ try $0.string }) {
            let found: Tensor
            switch mode {
            case "cls": found = raw[0..., 0]
            case "pos": found = raw[0..., 1...].mean(1)
            case "raw": found = raw
            case "dino":
                let oracle = try Self.encoder(
                    item, prefix: "oracle.", heads: item.config.object("model").int("num_heads"))
                let attention = noGrad { oracle.lastAttention(images) }
                item.compare("out/oracle_attn", attention, tolerance: tolerance)
                found = AttentionFeature.guided(
                    raw[0..., 1...], by: attention, extraTokens: oracle.extraTokens)
            default:
                let feature = try #require(AttentionFeature(rawValue: mode), "\(mode)")
                found = noGrad {
                    feature(
                        last.output, weights: last.weights, on: grid,
                        extraTokens: encoder.extraTokens)
                }
                var config = FeatureExtractor.Config()
                (config.attention, config.finalNorm) = (feature, false)
                let extracted = try FeatureExtractor(encoder, config)(images)
                expect(extracted, closeTo: found, atol: 1e-6)
            }
            item.compare("out/feat_\(mode)", found, tolerance: tolerance)
        }
        item.compare("out/tokens_no_final_norm", raw, tolerance: tolerance)
        // The published code takes a block of 0 for none given, and any other as its index.
        for block in 1..<traces.count {
            item.compare("out/raw_return_block\(block)", traces[block].output, tolerance: tolerance)
        }
        item.compare(
            "out/logits_cls",
            raw[0..., 0].linear(try item.tensor("w/head.weight"), try item.tensor("w/head.bias")),
            tolerance: tolerance)
        item.compare("out/final_attn", last.weights, tolerance: tolerance)
        item.compare(
            "out/attentions",
            stacked(
                traces.map {
                    AttentionStatistics.perToken($0.weights, extraTokens: encoder.extraTokens)
                }, 2), tolerance: tolerance)
        func norms(_ tokens: Tensor) -> Tensor { (tokens * tokens).sum(-1).sqrt() }
        item.compare(
            "out/magnitudes",
            stacked(
                [
                    stacked(traces.map { norms($0.input) }, 1),
                    stacked(traces.map { norms($0.mixed) }, 1),
                ], 0), tolerance: tolerance)
        try compareTemperature(item, images, tolerance)
        item.finish()
    }

    /// A temperature of attention divides the queries.
    private func compareTemperature(_ item: ParityCase, _ images: Tensor, _ tolerance: Tolerance)
        throws
    {
        let prefix = "out/feat_cls_temperature"
        for name in try item.names(prefix) {
            let temperature = try #require(Double(name.dropFirst(prefix.count)))
            let cooled = try Self.encoder(item)
            noGrad {
                for (name, parameter) in cooled.namedParameters where name.contains("attn.qkv.") {
                    parameter[..<(cooled.width)].multiplyInPlace(by: 1 / temperature)
                }
            }
            let tokens = noGrad { cooled.trace(images) { _ in } }
            item.compare(name, tokens[0..., 0], tolerance: tolerance)
        }
    }

    @Test(
        "a model without class token",
        arguments: ParityTable.cases("beyondcls", "beyond_vit_no_cls_token")
    )
    func withoutClassToken(item: ParityCase) throws {
        let encoder = try Self.encoder(item)
        let images = try item.tensor("in/imgs")
        let patches = noGrad { encoder.trace(images) { _ in } }
        // The published code puts a token of zeros where the class token would be.
        let zeros = Tensor.zeros([images.shape[0], 1, encoder.width])
        let tolerance = Tolerance(atol: 1e-4, rtol: 1e-4)
        item.compare("out/feat_raw", concatenated([zeros, patches], 1), tolerance: tolerance)
        item.compare("out/feat_cls", zeros[0..., 0])
        item.compare("out/feat_pos", patches.mean(1), tolerance: tolerance)
        let statistics = AttentionStatistics(encoder, images: images)
        for (index, quantity) in AttentionStatistics.HeadQuantity.allCases.enumerated() {
            let values = statistics.heads[0..., 0..., 0..., index]
            #expect(values.isFinite().allTrue != quantity.needsClassToken, "\(quantity)")
        }
        item.finish()
    }

    /// The recorded encoder; classifier, unused norms and other models are left out.
    private static func encoder(_ item: ParityCase, prefix: String = "", heads: Int? = nil) throws
        -> VisionTransformer
    {
        let recorded = RecordedViT(item: item)
        let weights = try recorded.weights().filter { name, _ in
            name.hasPrefix(prefix) && !name.hasPrefix(prefix + "head.")
                && !name.hasPrefix(prefix + "fc_norm.")
                && (!prefix.isEmpty || !name.hasPrefix("oracle."))
        }
        let own = Dictionary(
            weights.map { (String($0.key.dropFirst(prefix.count)), $0.value) }
        ) { first, _ in first }
        let headCount = try heads ?? item.config.object("model").int("num_heads")
        let config = try VisionTransformer.Config(
            inferredFrom: own.mapValues(\.shape), heads: headCount
        ) {
            if $0.positions != .none { $0.positions = .learned }
        }
        let encoder = try VisionTransformer(config, generator: nil)
        try encoder.load(own)
        encoder.evaluate()
        return encoder
    }
}
