import Imaging
import NN
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Data
@testable import Evaluation

@Suite("Features of frozen encoders, probes and clusters equal to iBOT's")
struct FrozenFeatureParityTests {
    private func encoder(_ item: ParityCase) throws -> VisionTransformer {
        let settings = try item.config
        let side = try settings.int("img")
        let config = try RecordedViT(item: item).config(heads: settings.int("h")) {
            $0.imageSize = wholePatches(in: side, of: $0.patchSize)
            ($0.positionResize, $0.normEps) = (.iBOT, 1e-6)
        }
        let model = try VisionTransformer(config, generator: nil)
        try model.load(item.weights.filter { !$0.key.hasPrefix("linear.") })
        model.evaluate()
        return model
    }

    @Test(
        "class tokens of several blocks, or class token and mean, before a linear classifier",
        arguments: ParityTable.cases("ibot", "linear_eval_vit_*"))
    func classifier(item: ParityCase) throws {
        let settings = try item.config
        let encoder = try encoder(item)
        var config = FeatureExtractor.Config()
        config.blocks = try settings.int("n")
        switch try settings.int("avgpool") {
        case 0: config.tokens = .cls
        // Of the last block, whatever n is.
        case 1: (config.tokens, config.blocks) = (.mean, 1)
        case 2: config.tokens = .clsAndMean
        case let other:
            Issue.record("\(item.testDescription): avgpool \(other) is unknown")
            return
        }
        let extractor = try FeatureExtractor(encoder, config)
        let features = extractor(try item.tensor("in/x"))
        #expect(features.shape[1] == extractor.width)
        item.compare(
            "out/logits",
            features.linear(try item.tensor("w/linear.weight"), try item.tensor("w/linear.bias")))
        item.finish()
    }

    /// The case is not claimed: its `feat_` tensors differ from call to call (those of avgpool 1 are one
    /// formula for every n, but up to 0.13 apart), so no encoder gives them.
    @Test(
        "several scales, generalised means",
        arguments: ParityCase.all(
            in: "ibot", matching: "features", ledger: ParityLedger(folder: .inUse)))
    func otherForms(item: ParityCase) throws {
        let encoder = try encoder(item)
        var scaled = FeatureExtractor.Config()
        scaled.scales = [1, 0.5.squareRoot(), 0.5]
        item.compare(
            "out/multiscale", try FeatureExtractor(encoder, scaled)(try item.tensor("in/big")))
        var copies = FeatureExtractor.Config()
        copies.tokens = .clsAndGeM
        let pictures = try item.names("in/copy_image").map { name in
            let resized = try run(
                picture(item, name), [Resize(size: PixelSize(encoder.imageSize), fit: .exact)],
                order: .pillow13)
            return try normalized(resized, .imageNet)
        }
        item.compare("out/copy_features", try FeatureExtractor(encoder, copies)(stacked(pictures)))
    }

    @Test("linear probes at once", arguments: ParityTable.cases("ibot", "linear_probe"))
    func probes(item: ParityCase) throws {
        let settings = try item.config
        let (batch, epochs) = (try settings.int("batch"), try settings.int("epochs"))
        let probes = try settings.array("combos").map { combination in
            let parts = try combination.array
            return LinearSweep.Probe(
                learningRate: try parts[0].double, weightDecay: try parts[1].double,
                optimizer: try #require(LinearSweep.Rule(rawValue: parts[2].string)))
        }
        let sweep = LinearSweep(
            probes,
            start: (try item.tensor("w/linear.weight"), try item.tensor("w/linear.bias")),
            batch: batch)
        let (x, y) = (try item.tensor("in/x"), try item.tensor("in/y"))
        var losses: [[Double]] = []
        for epoch in 0..<epochs {
            let factor = LinearSweep.annealing(epoch: epoch, of: epochs)
            for start in stride(from: 0, to: y.count, by: batch) {
                let rows = start..<min(start + batch, y.count)
                losses.append(sweep.losses(x[rows], y[rows]))
                sweep.step(x[rows], y[rows], factor: factor)
            }
        }
        let labels: [Int] = try item.tensor("in/yt").values(as: Int64.self).map(Int.init)
        let ranks = sweep.ranks(Features(values: try item.tensor("in/xt"), labels: labels))
        let close = Tolerance(atol: 1e-5, rtol: 1e-4)
        for index in probes.indices {
            let (weights, bias) = sweep.head(index)
            item.compare("out/\(index)/weight", weights, tolerance: close)
            item.compare("out/\(index)/bias", bias, tolerance: close)
            item.compare(
                "out/\(index)/losses", Tensor(losses.map { Float($0[index]) }), tolerance: close)
            let accuracy = ranks[index].accuracy
            item.compare(
                "out/\(index)/acc", Tensor([Float(accuracy.top1), Float(accuracy.top5)]),
                tolerance: .relative(1e-6))
        }
        item.finish()
    }

    @Test("clusters and classes", arguments: ParityTable.cases("ibot", "clustering_metrics"))
    func clusters(item: ParityCase) throws {
        for suffix in try item.names("in/p").map({ $0.dropFirst(4) }) {
            let scores = ClusterScores(
                clusters: try item.tensor("in/p\(suffix)").values(as: Int64.self).map(Int.init),
                labels: try item.tensor("in/y\(suffix)").values(as: Int64.self).map(Int.init))
            let found = [
                scores.mutualInformation, scores.adjustedRand, scores.fowlkesMallows,
                scores.accuracy,
            ]
            item.compare(
                "out/nmi_ari_fmi_acc\(suffix)", Tensor(found.map(Float.init)),
                tolerance: .absolute(1e-6))
            item.compare(
                "out64/nmi_ari_fmi_acc\(suffix)", Tensor(found), tolerance: .absolute(1e-12))
        }
        item.finish()
    }
}
