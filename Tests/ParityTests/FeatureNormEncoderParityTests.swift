import Foundation
import NN
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Checkpoints

/// featurenorm's encoder of packed sequences, as the reference computes and as it stores it.
@Suite("featurenorm's encoder") struct FeatureNormEncoderParityTests {
    private func norm(_ mode: String) -> NormForm {
        mode == "dyntanh" ? .dynamicTanh : .layerNorm
    }

    /// The encoder of a case: what its tensors tell has to be what its settings say.
    private func model(_ item: ParityCase) throws -> FeatureNormEncoder {
        let settings = try item.config
        let block = try settings.object("block_config")
        let attention = try block.object("attention_config")
        let (rateKey, multipleKey) = (
            "tome_layerwise_merge_rate", "tome_merge_to_nearest_mult_of"
        )
        let merges = settings.contains(rateKey)
        let mergeRate = merges ? try settings.double(rateKey) : nil
        let mergeMultiple =
            try merges && settings.contains(multipleKey)
            ? settings.int(multipleKey) : nil
        let isRotary = try settings.bool("use_rope2d")
        let outputNorms: [String: FeatureNormEncoder.Config.OutputNorm] = [
            "layernorm": .layerNorm, "dyntanh": .dynamicTanh, "batchnorm": .runningBatchNorm,
            "disabled": .none,
        ]
        let outputNorm = try #require(outputNorms[settings.string("norm_out_mode")])
        let config = try FeatureNormEncoder.Config(
            inferredFrom: item.weights.mapValues(\.shape),
            heads: attention.int("num_attention_heads")
        ) {
            ($0.rotary, $0.outputNorm) = (isRotary, outputNorm)
            ($0.mergeRate, $0.mergeMultiple) = (mergeRate, mergeMultiple)
        }
        #expect(config.patchLength == (try settings.int("input_size")))
        #expect(config.depth == (try settings.int("num_transformer_blocks")))
        #expect(config.width == (try block.int("embed_dim")))
        #expect(config.headWidth == (try attention.int("head_dim")))
        #expect(config.norm == norm(try block.string("norm_mode")))
        let isNormed = try attention.bool("should_use_qk_norm")
        #expect(
            config.queryKeyNorm == (isNormed ? norm(try attention.string("qk_norm_mode")) : nil))
        let isMixture = try block.string("mlp_mode") == "diffmoe"
        #expect(config.experts == (isMixture ? try block.int("diffmoe_num_experts") : nil))
        #expect(config.absolutePositions == (try settings.bool("use_abs_pos_emb")))
        let registers = "max_num_register_tokens"
        #expect(
            config.registerRows
                == (settings.contains(registers) ? try settings.int(registers) : 0))
        let model = try FeatureNormEncoder(config, generator: nil)
        try model.load(item.weights)
        model.train(try settings.bool("train_mode"))
        return model
    }

    @Test(
        "layers, output, loss, gradients and running state",
        arguments: ParityTable.cases("featurenorm", "encoder_*"), [true, false])
    func forward(item: ParityCase, oneDNN: Bool) throws {
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            let model = try model(item)
            let ids = try item.tensor("in/token_ids")
            let output = model(try item.tensor("in/x"), PackedTokens(ids: ids))
            item.compare("out/all_layer_features", stacked(output.layers))
            item.compare("out/hidden_states", output.tokens)
            let present = (.!(ids[0..., 0..., 0] .== -100)).to(dtype: .float32)
            let loss =
                (output.tokens * (try item.tensor("in/R")) * present.unsqueezed(-1)).sum()
                / present.sum()
            item.compare("out/loss", loss)
            let count = model.stateDict.reduce(0) { $0 + $1.tensor.count }
            item.compare("out/param_count", Tensor(scalar: count))
            if try item.contains("out/diffmoe_loss") {
                let capacityLoss = try #require(output.capacityLoss)
                item.compare("out/diffmoe_loss", capacityLoss)
                (loss + capacityLoss).backward()
            } else {
                #expect(output.capacityLoss == nil)
                loss.backward()
            }
            item.compareGradients(of: model.namedParameters)
            let state = Dictionary(uniqueKeysWithValues: model.stateDict)
            for name in try item.names("out/state_after/") {
                let found = try #require(state[String(name.dropFirst("out/state_after/".count))])
                item.compare(name, found.to(dtype: found.dtype == .bool ? .uint8 : found.dtype))
            }
            item.finish()
        }
    }

    @Test(
        "recorded checkpoints: the average of the encoder, loaded and run",
        arguments: ParityTable.cases("featurenorm", "checkpoints/*/forward"))
    func checkpoint(item: ParityCase) throws {
        let folder = URL(fileURLWithPath: item.path).deletingLastPathComponent()
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix(".pt") }.sorted()
        guard let file = files.last else {
            return print("\(item.testDescription): no checkpoint beside it, not compared")
        }
        let path = folder.appendingPathComponent(file).path
        let loaded = try CheckpointLoader().load(path)
        #expect(loaded.family.name == "featurenorm" && loaded.report.isComplete)
        #expect(loaded.report.place == "model: ema_encoder." && loaded.report.notes.isEmpty)
        let model = try #require(loaded.model as? FeatureNormEncoder)
        let output = try noGrad {
            model(
                try item.tensor("in/patches"),
                PackedTokens(ids: try item.tensor("in/token_ids")))
        }
        item.compare("out/all_layer_features", stacked(output.layers))
        item.compare("out/hidden_states", output.tokens)
        item.finish()
    }
}
