import Data
import Evaluation
import Imaging
import NN
import TestSupport
import Testing
import Torch
import VisionModels

/// I-JEPA's and StoP's evaluations on recorded pictures and weights.
@Suite("Evaluations of I-JEPA and StoP equal to the reference") struct PooledProbesParityTests {
    @Test("features and heads of VISSL", arguments: ParityTable.cases("stop", "stop_vissl_probe"))
    func probes(item: ParityCase) throws {
        let images = try item.tensor("in/images")
        let names = try item.config.array("feature_names").map { try $0.string }
        let first = try #require(names.first)
        let recordedFirst = try item.tensor("out/feat_\(first)")
        let encoder = try Self.encoder(weights: item.tensors("w/trunk.")) { encoder in
            (try feature(first, of: images, encoder) - recordedFirst).abs().max().item
        }
        for name in names {
            item.compare("out/feat_\(name)", try feature(name, of: images, encoder))
        }
        let labels = try item.tensor("in/labels")
        let classCount = try item.config.int("k")
        let kinds = try item.config.array("heads").map { try $0.string }
        let blocks = try kinds.map(blockCount)
        let most = try #require(blocks.max())
        let long = try item.tensor("out/feat_" + (most > 1 ? "concatPOOL\(most)" : "lastPOOL"))
        let width = long.shape[1]
        let decay = try #require(number(behind: "wd", in: item.config.string("sgd")))
        for rule in [PooledProbes.Rule.sgd, .lars] {
            let text = try item.config.string(rule.rawValue)
            let rate = try #require(number(behind: "lr", in: text))
            // These are no settings of ours.
            #expect(number(behind: "momentum", in: text) == 0.9)
            #expect(text.contains("nesterov") == (rule == .sgd))
            if rule == .lars { #expect(number(behind: "eta", in: text) == 0.001) }
            let probes = try kinds.enumerated().map { index, kind in
                let head = LinearHead(
                    columns: width - blocks[index] * encoder.width..<width,
                    classCount: classCount, normalizes: kind.hasPrefix("eval_mlp"),
                    generator: nil)
                try head.load(renamed(item.tensors("w/\(rule.rawValue)_head\(index).")))
                // Of LARS "per head" is recorded: the first heads have decay, the others none.
                let own = number(behind: "wd", in: text) ?? (index < kinds.count / 2 ? decay : 0)
                return PooledProbes.Probe(kind, head, rateFactor: 1, weightDecay: own)
            }
            let sweep = PooledProbes(probes, optimizer: rule)
            let recorded = "out/\(rule.rawValue)_losses"
            let losses = try (0..<item.tensor(recorded).count).map { _ in
                sweep.step(long, labels, learningRate: rate).item
            }
            item.compare(recorded, Tensor(losses.map { Float($0) }))
            for (index, probe) in probes.enumerated() {
                let prefix = "out/\(rule.rawValue)_head\(index)"
                for (name, tensor) in probe.head.stateDict {
                    let theirs = try #require(
                        item.names(prefix + ".").first { ourName($0) == name }, "\(name)")
                    item.compare(theirs, tensor.detached())
                }
                probe.head.evaluate()
                item.compare(prefix + "_eval_logits", noGrad { probe.head(long) })
            }
        }
        item.finish()
    }

    /// How many of the last blocks a head such as `mlp last` or `eval_mlp concat4` sees.
    private func blockCount(_ kind: String) throws -> Int {
        let part = try #require(kind.split(separator: " ").last)
        if part == "last" { return 1 }
        try #require(part.hasPrefix("concat"), "\(kind) is no known head")
        return try #require(Int(part.dropFirst("concat".count)))
    }

    /// `lastPOOL`, `concatPOOLn` or `stridePOOL_n[_stride]`, the last of which begins with the last
    /// block.
    private func feature(
        _ name: String, of images: Tensor, _ encoder: VisionTransformer
    ) throws -> Tensor {
        var config = FeatureExtractor.Config()
        config.tokens = .mean
        let numbers = name.split(separator: "_").compactMap { Int($0) }
        if name.hasPrefix("concatPOOL") {
            config.blocks = try #require(Int(name.dropFirst(10)))
        } else if let blocks = numbers.first {
            config.blocks = blocks
            config.stride =
                numbers.count > 1 ? numbers[1] : (encoder.blockCount + blocks - 1) / blocks
        }
        let feature = try FeatureExtractor(encoder, config)(images)
        guard name.hasPrefix("stridePOOL") else { return feature }
        return concatenated(feature.chunks(config.blocks, 1).reversed(), 1)
    }

    /// VISSL's names of a head by ours.
    private func renamed(_ weights: [String: Tensor]) -> [String: Tensor] {
        Dictionary(weights.map { (ourName($0.key), $0.value) }) { first, _ in first }
    }

    private func ourName(_ name: String) -> String {
        let bare = name.split(separator: ".").drop { $0.contains("head") }
            .joined(separator: ".")
        return bare.replacing("clf.clf.0.", with: "linear.").replacing("clf.0.", with: "linear.")
    }

    // MARK: - Logistic regression

    @Test(
        "from pictures to the accuracy of logistic regression",
        arguments: ParityTable.cases("stop", "stop_logistic_pipeline"))
    func logistic(item: ParityCase) throws {
        let size = try item.config.int("res")
        var settings = FeatureExtractor.Config()
        settings.tokens = .mean
        let shown = try pictures(item.tensor("in/val_pictures"), size: size)
        let recorded = try item.tensor("out/val_embs")
        let encoder = try Self.encoder(weights: item.weights) { encoder in
            let found = try FeatureExtractor(encoder, settings)(shown)
            return (found.sum(0) - recorded.sum(0)).abs().max().item
        }
        let extractor = try FeatureExtractor(encoder, settings)
        var sets: [Features] = []
        for part in ["train", "val"] {
            let features = extractor(
                try pictures(item.tensor("in/\(part)_pictures"), size: size))
            let labels: [Int] = try item.tensor("in/\(part)_labels_file_order").values()
            let order: [Int] =
                part == "train"
                ? try item.tensor("out/sampler_order_train").values()
                : try order(like: item.tensor("out/val_embs"), of: features)
            item.compare("out/\(part)_embs", features.selecting(Tensor(order), 0))
            item.compare("out/\(part)_labels", Tensor(order.map { labels[$0] }))
            sets.append(Features(values: features, labels: labels))
        }
        // The order is the reference's own draw; ours is that of the files.
        item.compare("out/sampler_order_train") { recorded in
            let values: [Int] = recorded.values()
            return values.sorted() == Array(0..<sets[0].count) ? nil : "no order of the pictures"
        }
        var config = LogisticEvaluation.Config()
        config.lambdas = [try item.config.double("lambd")]
        config.tolerance = 1e-11
        let result = try #require(
            try LogisticEvaluation.run(train: sets[0], test: sets[1], config).first)
        #expect(
            abs(result.train.top1 / 100 - (try item.config.double("optimum_train_acc"))) < 1e-9)
        #expect(
            abs(result.test.top1 / 100 - (try item.config.double("optimum_test_acc"))) < 1e-9)
        item.finish()
    }

    /// The shorter side resized as in the reference, the centre cut out, ImageNet's normalisation.
    private func pictures(_ bytes: Tensor, size: Int) throws -> Tensor {
        let (count, height, width, channels) = bytes.shape4
        var runner = PipelineRunner(
            ImagePipeline([
                Resize(size: PixelSize(resizedSide(for: size)), interpolation: .bilinear),
                CenterCrop(size: PixelSize(size)),
            ]))
        var random = CounterRandom(seed: 0, purpose: .evaluation)
        return stacked(
            try (0..<count).map { index in
                let picture = ImageBuffer(
                    width: width, height: height, channels: channels,
                    pixels: bytes[index].values(as: UInt8.self))
                let view = try runner.view(of: PictureWindow(picture), random: &random)
                return Tensor(view.pixels, shape: [size, size, channels])
                    .permuted(2, 0, 1).unsqueezed(0).normalized(.imageNet)[0]
            })
    }

    /// The rows of ours that are nearest to the recorded ones: the order of the test set is not recorded.
    private func order(like recorded: Tensor, of features: Tensor) throws -> [Int] {
        (0..<recorded.shape[0]).map { row in
            let distances: [Double] = (features - recorded[row]).squared().sum(1)
                .to(dtype: .float64).values()
            return distances.indices.min { distances[$0] < distances[$1] } ?? 0
        }
    }

    /// The encoder of the case, whose number of heads is not recorded: the one with which `check`, the
    /// distance of something from what is recorded, is least.
    private static func encoder(
        weights: [String: Tensor], check: (VisionTransformer) throws -> Double
    ) throws -> VisionTransformer {
        let width = try #require(weights["pos_embed"]).shape[2]
        let models = try (1...width).filter { width % $0 == 0 }.map { heads in
            let config = try VisionTransformer.Config(
                inferredFrom: weights.mapValues(\.shape), heads: heads)
            let model = try VisionTransformer(config, generator: nil)
            try model.load(weights)
            return (try noGrad { try check(model) }, model)
        }
        return try #require(models.min { $0.0 < $1.0 }).1
    }
}
