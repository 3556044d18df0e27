import NN
import TestSupport
import Testing
import Torch
import VisionModels

/// The parts that featurenorm's encoder is made of.
@Suite("parts of featurenorm's encoder") struct FeatureNormPartsParityTests {
    @Test("a tanh for a norm", arguments: ParityTable.cases("featurenorm", "dyntanh"))
    func dynamicTanh(item: ParityCase) throws {
        let layer = DynamicTanh(try item.config.int("d"))
        try layer.load(item.weights)
        let x = try item.tensor("in/x").requiringGrad()
        let y = layer(x)
        item.compare("out/y", y)
        (y * (try item.tensor("in/R"))).sum().backward()
        item.compare("out/dx", try #require(x.gradient))
        item.compareGradients(of: layer.namedParameters)
        item.finish()
    }

    @Test("turning by row and column", arguments: ParityTable.cases("featurenorm", "rope2d"))
    func rotation(item: ParityCase) throws {
        let settings = try item.config
        let rotation = RotaryEmbedding(.eva02, base: try settings.double("theta"))
            .rotation(
                at: try item.tensor("in/position_ids"), headWidth: try settings.int("head_dim"))
        item.compare("out/cos", rotation.cosines.squeezed(1))
        item.compare("out/sin", rotation.sines.squeezed(1))
        item.compare("out/rotated", rotation(try item.tensor("in/x")))
        item.finish()
    }

    @Test(
        "a mixture of experts: routes, thresholds, gradients, evaluation",
        arguments: ParityTable.cases("featurenorm", "diffmoe_mlp"))
    func mixture(item: ParityCase) throws {
        let settings = try item.config
        let layer = DiffMoE(
            try settings.int("embed_dim"), experts: try settings.int("num_experts"),
            generator: nil)
        try layer.load(item.weights)
        let present = try item.tensor("in/padding_mask") .== 0
        let calls = try item.names("in/R").count
        for call in 0..<calls {
            let x = try item.tensor("in/x\(call)").requiringGrad()
            let output = layer(x, present: present)
            item.compare("out/y\(call)", output.tokens)
            item.compare("out/kept\(call)", output.routes)
            let capacityLoss = try #require(output.capacityLoss)
            item.compare("out/capacity_loss\(call)", capacityLoss)
            item.compare("out/thresholds\(call)", layer.thresholds.parameter)
            ((output.tokens * (try item.tensor("in/R\(call)"))).mean() + capacityLoss).backward()
            item.compare("out/dx\(call)", try #require(x.gradient))
            // Those of the parameters are recorded of the first call.
            if call == 0 { item.compareGradients(of: layer.namedParameters) }
        }
        layer.evaluate()
        let x = try item.tensor("in/x_eval")
        let output = layer(x, present: present)
        item.compare("out/y_eval", output.tokens)
        item.compare("out/active_eval", output.routes)
        #expect(output.capacityLoss == nil)
        // No probability is above 1.
        layer.thresholds.parameter.fillInPlace(1.5)
        item.compare("out/y_eval_none_active", layer(x, present: present).tokens)
        item.finish()
    }

    @Test(
        "merging of tokens, twice", arguments: ParityTable.cases("featurenorm", "tome_ops"))
    func merging(item: ParityCase) throws {
        let settings = try item.config
        let (keys, x) = (try item.tensor("in/k"), try item.tensor("in/x"))
        let first = TokenMerging(
            keys, samples: try item.tensor("in/sample_ids"), merging: try settings.int("r"))
        func compare(_ merging: TokenMerging, _ suffix: String) {
            item.compare("out/src_idx\(suffix)", merging.sources)
            item.compare("out/dst_idx\(suffix)", merging.targets)
            item.compare("out/unm_idx\(suffix)", merging.kept)
        }
        compare(first, "")
        item.compare("out/merged_ids", first.samples)
        let merged = first.merge(x)
        item.compare("out/merge_mean", merged)
        item.compare("out/merge_amax", first.merge(x, by: .maximum))
        item.compare("out/merge_mlerp", first.merge(x, by: .meanAtLargestNorm))
        item.compare("out/merge_drop", first.merge(x, by: .drop))
        item.compare(
            "out/merge_pos_mean_truncated", first.merge(try item.tensor("in/pos")))
        let places = MergedPlaces(first)
        item.compare("out/adm", places.membership)
        item.compare("out/unmerged", places.unmerge(merged))
        item.compare("out/merge_all", places.merge(x))

        let second = TokenMerging(
            first.merge(keys), samples: first.samples, merging: try settings.int("r2"))
        compare(second, "2")
        let both = MergedPlaces(second, after: places)
        item.compare("out/adm2", both.membership)
        item.compare("out/merge2", second.merge(merged))
        item.compare("out/unmerge2", both.unmerge(second.merge(merged)))
        item.finish()
    }

    @Test(
        "norms of targets, and their running statistics",
        arguments: ParityTable.cases("featurenorm", "target_norms"))
    func targetNorms(item: ParityCase) throws {
        let width = try item.config.int("D")
        let norms = Dictionary(
            uniqueKeysWithValues: TargetNorm.Form.allCases.map {
                ($0, TargetNorm($0, width: width))
            })
        let inputs = try item.names("in/h").count
        for index in 0..<inputs {
            let x = try item.tensor("in/h\(index)")
            let present = try item.tensor("in/mask\(index)") .> 0
            let isLast = try item.contains("out/running_bn\(index)_eval")
            func normed(_ form: TargetNorm.Form) throws -> Tensor {
                let norm = try #require(norms[form])
                norm.train(!isLast)
                return norm(x, counting: present)
            }
            func state(_ form: TargetNorm.Form, _ name: String) throws -> Tensor {
                try #require(norms[form]?.stateDict.first { $0.name == name }).tensor
            }
            let suffix = isLast ? "\(index)_eval" : "\(index)"
            item.compare("out/layernorm\(index)", try normed(.layerNorm))
            item.compare("out/batchnorm\(index)", try normed(.batchNorm))
            item.compare("out/running_bn\(suffix)", try normed(.runningBatchNorm))
            item.compare("out/running_singleton\(suffix)", try normed(.runningScalar))
            item.compare(
                "out/running_mean\(index)", try state(.runningBatchNorm, "running_mean"))
            item.compare("out/running_std\(index)", try state(.runningBatchNorm, "running_std"))
            let numbers = try ["running_mean", "running_std"].map {
                try state(.runningScalar, $0)
            }
            item.compare("out/singleton_mean_std\(index)", concatenated(numbers, 0))
            #expect(try normed(.none).isEqual(to: x))
        }
        item.finish()
    }
}
