import NN
import TestSupport
import Testing
import Torch
import VisionModels

/// featurenorm's predictor.
@Suite("featurenorm's predictor") struct FeatureNormPredictorParityTests {
    private func model(_ item: ParityCase) throws -> FeatureNormPredictor {
        func norm(_ mode: String) -> NormForm { mode == "dyntanh" ? .dynamicTanh : .layerNorm }
        let settings = try item.config
        let block = try settings.object("block_config")
        let attention = try block.object("attention_config")
        var config = FeatureNormPredictor.Config()
        config.width = try block.int("embed_dim")
        config.depth = try settings.int("num_transformer_blocks")
        config.heads = try attention.int("num_attention_heads")
        config.headWidth = try attention.int("head_dim")
        config.norm = norm(try block.string("norm_mode"))
        config.queryKeyNorm =
            try attention.bool("should_use_qk_norm")
            ? norm(attention.string("qk_norm_mode")) : nil
        config.experts =
            try block.string("mlp_mode") == "diffmoe" ? block.int("diffmoe_num_experts") : nil
        config.deepInput = try settings.bool("should_mlp_in")
        config.rotary = try settings.bool("use_rope2d")
        config.absolutePositions = try settings.bool("use_abs_pos_emb")
        config.maxRows = try settings.int("max_num_height_tokens")
        config.maxColumns = try settings.int("max_num_width_tokens")
        let registers = "max_num_register_tokens"
        config.registerRows = settings.contains(registers) ? try settings.int(registers) : 0
        config.wipesRegisters = try settings.bool("should_zero_ctx_register_tokens")
        config.outputNorm = norm(try settings.string("norm_out_mode"))
        let model = try FeatureNormPredictor(
            config, encoderWidth: settings.int("input_size"), generator: nil)
        try model.load(item.weights)
        model.train(try settings.bool("train_mode"))
        return model
    }

    @Test(
        "predictions, loss, gradients",
        arguments: ParityTable.cases("featurenorm", "predictor_*"), [true, false])
    func forward(item: ParityCase, oneDNN: Bool) throws {
        try TorchSettings.linear(throughOneDNN: oneDNN) {
            let model = try model(item)
            let ids = try item.tensor("in/token_ids")
            let output = model(
                try item.tensor("in/x"), PackedTokens(ids: ids),
                predicting: try item.tensor("in/prediction_mask") .> 0)
            item.compare("out/y", output.tokens)
            let present = (.!(ids[0..., 0..., 0] .== -100)).to(dtype: .float32)
            let loss =
                (output.tokens * (try item.tensor("in/R")) * present.unsqueezed(-1)).sum()
                / present.sum()
            item.compare("out/loss", loss)
            (output.capacityLoss.map { loss + $0 } ?? loss).backward()
            item.compareGradients(of: model.namedParameters)
            item.finish()
        }
    }
}
