import Evaluation
import Foundation
import NN
import Optimizers
import TestSupport
import Testing
import Torch
import VisionModels

@Suite("Linear probing equal to MAE's and Beyond [cls]'s") struct LinearProbeParityTests {
    @Test("AbMILP pooling", arguments: ParityTable.cases("beyondcls", "abmilp_*"))
    func pooling(item: ParityCase) throws {
        let settings = try item.config
        let patches = try settings.int("num_patches")
        let side = Int(Double(patches).squareRoot().rounded())
        let head = try AbMILP(
            try Self.pooling(
                selfAttention: settings.string("self_attention_apply_to"),
                activation: settings.string("activation"), depth: settings.int("depth"),
                condition: settings.contains("cond") ? settings.string("cond") : "none",
                content: settings.string("content")),
            width: try settings.int("dim"), grid: PatchGrid(rows: side, columns: side),
            generator: nil)
        // The recorded positions are the sines and cosines that a head starts with.
        let positions = head.namedParameters.first { $0.name == "pos_embed" }
        expect(
            positions?.tensor.detached() ?? .zeros([]), closeTo: try item.tensor("w/pos_embed"),
            atol: 1e-6)
        try head.load(try item.weights)
        let tokens = try item.tensor("in/tokens")
        let (pooled, weights) = head.withWeights(
            try settings.string("content") == "patch" ? tokens[0..., 1...] : tokens)
        let loss = (pooled * (try item.tensor("in/cotangent"))).sum()
        loss.backward()
        item.compare("out/pooled", pooled)
        item.compare("out/attn_map", weights.transposed(1, 2))
        item.compare("out/loss", loss)
        item.compareGradients(of: head.namedParameters)
        item.finish()
    }

    private static func pooling(
        selfAttention: String, activation: String, depth: Int, condition: String, content: String
    ) throws -> AbMILP.Config {
        var config = AbMILP.Config()
        config.selfAttention = try #require(AbMILP.SelfAttention(rawValue: selfAttention))
        config.activation = try #require(AbMILP.ActivationFunction(rawValue: activation))
        config.depth = depth
        config.condition = try #require(AbMILP.Condition(rawValue: condition))
        config.content = try #require(AbMILP.Content(rawValue: content))
        return config
    }

    @Test("the head alone", arguments: ParityTable.cases("beyondcls", "linprobe_head_train"))
    func head(item: ParityCase) throws {
        let (classes, width) = try item.tensor("w/1.weight").shape2
        let head = ProbeHead.make(width: width, classCount: classes, generator: nil)
        try head.load(try item.weights)
        let optimizer = LARS([ParameterGroup(head.namedParameters)])
        let tolerance = Tolerance(atol: 1e-5, rtol: 1e-4)
        var step = 0
        while try item.contains("in/x\(step)") {
            let logits = head(try item.tensor("in/x\(step)"))
            let loss = logits.crossEntropy(try item.tensor("in/y\(step)"))
            item.compare("out/logits\(step)", logits, tolerance: tolerance)
            item.compare("out/loss\(step)", loss, tolerance: tolerance)
            loss.backward()
            optimizer.step(learningRate: try item.config.double("lr"))
            optimizer.clearGradients()
            step += 1
        }
        compareState(of: head, item, under: "out/final/")
        head.evaluate()
        let labels = try item.tensor("in/y_eval")
        let logits = head(try item.tensor("in/x_eval"))
        item.compare("out/logits_eval", logits, tolerance: tolerance)
        item.compare("out/loss_eval", logits.crossEntropy(labels), tolerance: tolerance)
        let accuracy = Accuracy(scores: logits.detached(), labels: labels)
        item.compare("out/acc1", Tensor(scalar: Float(accuracy.top1)))
        item.compare("out/acc5", Tensor(scalar: Float(accuracy.top5)))
        item.finish()
    }

    @Test(
        "an epoch on a frozen encoder, then its evaluation",
        arguments: ParityTable.cases("beyondcls", "linprobe_train_epoch_*"))
    func epoch(item: ParityCase) throws {
        let settings = try item.config
        let model = try settings.object("model")
        let encoder = try Self.encoder(model)
        let pooling = try settings.contains("abmilp") ? settings.object("abmilp") : nil
        let head = ProbeHead.make(
            width: encoder.width, classCount: try model.int("num_classes"),
            pooling: try pooling.map { pooling in
                try AbMILP(
                    try Self.pooling(
                        selfAttention: pooling.string("sa"), activation: pooling.string("act"),
                        depth: pooling.int("depth"),
                        condition: pooling.contains("cond") ? pooling.string("cond") : "none",
                        content: pooling.string("content")),
                    width: encoder.width, grid: encoder.config.grid, generator: nil)
            }, generator: nil)
        let weights = try item.weights
        try encoder.load(weights.filter { !$0.key.hasPrefix("head.") })
        try head.load(try item.tensors("w/head."))

        var config = LinearProbe.Config()
        config.optimizer = try #require(
            LinearProbe.Rule(rawValue: settings.string("optimizer")))
        config.batch = try settings.int("batch")
        config.accumulation = try settings.int("accum_iter")
        config.baseLearningRate =
            try settings.double("lr") * 256 / Double(config.batch * config.accumulation)
        config.minLearningRate = try settings.double("min_lr")
        config.warmupEpochs = try settings.double("warmup_epochs")
        config.epochs = try settings.int("epochs")
        let probe = try LinearProbe(head, config)

        // Tokens without the final norm, as Beyond [cls] probes them.
        let count = try settings.int("n_iters")
        let batches = try (0..<count).map { index -> LinearProbe.Batch in
            let images = try item.tensor("in/x\(index)")
            let tokens = noGrad { encoder.blockOutputs(images).last } ?? images
            let seen = try pooling?.string("content") == "patch" ? tokens[0..., 1...] : tokens
            return (pooling == nil ? tokens[0..., 0] : seen, try item.tensor("in/y\(index)"))
        }
        let trained = probe.trainEpoch(
            batches, batchCount: count, epoch: try settings.int("epoch"))
        let tolerance = Tolerance(atol: 1e-5, rtol: 1e-4)
        item.compare("out/losses", Tensor(trained.losses.map(Float.init)), tolerance: tolerance)
        item.compare(
            "out/grad_norms", Tensor(trained.gradientNorms.map(Float.init)), tolerance: tolerance)
        compareState(of: head, item, under: "out/head_after/")
        let log = try settings.object("train_stats")
        #expect(abs(trained.learningRate - (try log.double("lr"))) < 1e-12)
        #expect(abs(trained.loss - (try log.double("loss"))) < 1e-5)
        #expect(abs(trained.accuracy.top1 - (try log.double("acc1"))) < 1e-5)
        #expect(abs(trained.accuracy.top5 - (try log.double("acc5"))) < 1e-5)

        let tested = probe.evaluate(batches)
        item.compare("out/eval_preds", Tensor(tested.predictions))
        item.compare("out/eval_targets", concatenated(batches.map(\.labels), 0))
        let testLog = try settings.object("eval_stats")
        #expect(abs(tested.loss - (try testLog.double("loss"))) < 1e-5)
        #expect(abs(tested.accuracy.top1 - (try testLog.double("acc1"))) < 1e-5)
        #expect(abs(tested.accuracy.top5 - (try testLog.double("acc5"))) < 1e-5)
        item.finish()
    }

    private static func encoder(_ model: ParityConfig) throws -> VisionTransformer {
        var config = VisionTransformer.Config()
        config.imageSize = try model.int("img_size")
        config.patchSize = try model.int("patch_size")
        config.width = try model.int("embed_dim")
        config.depth = try model.int("depth")
        config.heads = try model.int("num_heads")
        config.mlpRatio = try model.double("mlp_ratio")
        return try VisionTransformer(config, generator: nil)
    }

    private func compareState(of head: Sequential, _ item: ParityCase, under prefix: String) {
        for (name, tensor) in head.stateDict {
            item.compare(
                prefix + name, tensor.detached(), tolerance: Tolerance(atol: 1e-5, rtol: 1e-4))
        }
    }

    @Test("meters", arguments: ParityTable.cases("beyondcls", "metric_logger"))
    func meters(item: ParityCase) throws {
        let sizes = try item.config.array("batch_sizes").map { try $0.int }
        var loss = Meter()
        var accuracy = Meter()
        let losses = try item.tensor("in/loss").values(as: Double.self)
        let accuracies = try item.tensor("in/acc").values(as: Double.self)
        for (index, size) in sizes.enumerated() {
            loss.update(losses[index])
            accuracy.update(accuracies[index], weight: size)
        }
        item.compare("out/loss_avg", Tensor(scalar: Float(loss.average)))
        item.compare("out/loss_global_avg", Tensor(scalar: Float(loss.globalAverage)))
        item.compare("out/loss_median", Tensor(scalar: Float(loss.median)))
        item.compare("out/acc1_global_avg", Tensor(scalar: Float(accuracy.globalAverage)))
        item.finish()
    }
}
