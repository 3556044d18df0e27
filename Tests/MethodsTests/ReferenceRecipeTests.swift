import Checkpoints
import Configuration
import Data
import Optimizers
import Testing
import Training
import VisionModels

@testable import Methods

/// Configuration files of I-JEPA's and StoP's own code.
@Suite("The authors' configuration files") struct ReferenceRecipeTests {
    private static let common = """
        data: {batch_size: 128, crop_size: 224, crop_scale: [0.3, 1.0], num_workers: 10}
        mask: {patch_size: 14, num_enc_masks: 1, num_pred_masks: 4, min_keep: 10,
          enc_mask_scale: [0.85, 1.0], pred_mask_scale: [0.15, 0.2], aspect_ratio: [0.75, 1.5]}
        optimization: {epochs: 300, warmup: 40, start_lr: 0.0002, lr: 0.001, final_lr: 1.0e-6,
          weight_decay: 0.04, final_weight_decay: 0.4, ipe_scale: 1.0}

        """

    private func imported(_ yaml: String) throws -> ImportedRecipe {
        try ReferenceRecipe.resolve(recipe: Recipe(yaml: yaml, named: "theirs.yaml"))
            .value.imported()
    }

    @Test("I-JEPA: every key has a counterpart or a reason")
    func ijepa() throws {
        let found = try imported(
            Self.common
                + "meta: {model_name: vit_huge, pred_depth: 12, pred_emb_dim: 384, "
                + "use_bfloat16: true, load_checkpoint: false}\n")
        #expect(found.method == IJEPA.name)
        let run = try RunConfiguration<IJEPA.Config>.resolve(overrides: found.settings).value
        #expect((run.model.width, run.model.depth, run.model.heads) == (1280, 32, 16))
        #expect(run.model.patchSize == 14 && run.model.imageSize == 224)
        #expect((run.method.predictorDepth, run.method.predictorWidth) == (12, 384))
        #expect(run.method.masks == .ijepa && run.run.precision == .bfloat16)
        #expect(run.schedule.epochs == 300 && run.schedule.warmupEpochs == 40)
        #expect(run.optim.lr == 1e-3 && run.schedule.minLr == 1e-6)
        #expect(run.data.batchSize == 128 && run.data.augment?.count == 1)
        let keys = found.notes.map(\.key)
        #expect(keys.contains("data.num_workers") && Set(keys).count == keys.count)
    }

    @Test("StoP: noise, tails, clipping and augmentation")
    func stop() throws {
        let yaml = Self.common.replacing(
            "ipe_scale: 1.0",
            with: """
                ipe_scale: 1.0, clip_grad: 0.5, fix_lr_thres: 250, fix_lr_strategy: linear,
                  fix_wd_thres: -1, fix_wd_strategy: const
                """
        ).replacing(
            "num_workers: 10",
            with: """
                color_jitter_strength: 0.5, use_color_distortion: true,
                  use_gaussian_blur: true, use_horizontal_flip: true
                """)
        let found = try imported(
            yaml
                + "meta: {model_name: deit_base, emb_dim: 384, pred_depth: 6, target_blocks: 2, "
                + "use_float16: false}\nstop_params: {apply_stop: false, var: 0.2}\n")
        #expect(found.method == StoP.name)
        let run = try RunConfiguration<StoP.Config>.resolve(overrides: found.settings).value
        #expect(run.method.positions == .deterministic && run.method.noiseStd == 0.2)
        #expect(run.method.targetBlocks == 2 && run.optim.clip == 0.5)
        #expect(run.schedule.lrTail?.epoch == 250 && run.schedule.lrTail?.shape == .linear)
        #expect(run.schedule.weightDecayTail == nil)
        #expect(run.data.augment?.count == 5)
    }

    @Test("truth values are read as the authors' code reads them")
    func truthValues() throws {
        let readings: [(String, StoP.Positions, Precision)] = [
            ("off", .deterministic, .float32), ("On", .stochastic, .bfloat16),
        ]
        for (word, positions, precision) in readings {
            let found = try imported(
                "meta: {use_float16: \(word)}\nstop_params: {apply_stop: \(word), var: 0.2}\n")
            let run = try RunConfiguration<StoP.Config>.resolve(overrides: found.settings).value
            #expect(run.method.positions == positions)
            #expect(run.run.precision == precision)
        }
    }

    @Test("a tail at the end of the schedule or later is left out", arguments: [300, 301])
    func idleTail(epoch: Int) throws {
        let found = try imported(
            Self.common.replacing(
                "ipe_scale: 1.0",
                with: "ipe_scale: 1.0, fix_lr_thres: \(epoch), fix_lr_strategy: linear")
                + "meta: {model_name: deit_base, emb_dim: 384, pred_depth: 6}\n")
        let run = try RunConfiguration<StoP.Config>.resolve(overrides: found.settings).value
        #expect(run.schedule.lrTail == nil)
        for key in ["optimization.fix_lr_thres", "optimization.fix_lr_strategy"] {
            let meaning = try #require(found.notes.first { $0.key == key }).meaning
            #expect(meaning == "left out: the schedule ends before its tail")
        }
    }

    @Test("what a checkpoint says of its run is compared with the settings")
    func differences() throws {
        var run = RunConfiguration<IJEPA.Config>()
        (run.data.batchSize, run.optim.lr) = (2048, 1e-3)
        let theirs: [String: PlainValue] = [
            "batch_size": .int(128), "world_size": .int(16), "lr": .double(1e-3),
        ]
        #expect(IJEPA.Config.differences(run, from: theirs) == [])
        #expect(IJEPA.Config.differences(run, from: [:]) == [])
        (run.data.batchSize, run.optim.lr) = (128, 2e-3)
        let found = IJEPA.Config.differences(run, from: theirs)
        #expect(found.count == 2)
        #expect(found[0].contains("was 2048") && found[0].contains("data.batchSize makes it 128"))
        #expect(found[1] == "lr was 0.001, and optim.lr makes it 0.002")
    }

    @Test("what has no counterpart is refused with its key")
    func refused() {
        func key(_ yaml: String) -> String? {
            do {
                _ = try imported(yaml)
                return nil
            } catch { return (error as? ConfigurationError)?.key }
        }
        #expect(key("meta: {model_name: resnet50}") == "meta.model_name")
        #expect(key("data: {homo: 10}") == "data.homo")
        #expect(key("data: {batchsize: 10}") == "data.batchsize")
        #expect(key("optimization: {lr: fast}") == "optimization.lr")
    }

    @Test("errors name the file, the line and its key")
    func places() {
        func error(_ yaml: String) -> String {
            do {
                let theirs = try ReferenceRecipe.resolve(
                    recipe: Recipe(yaml: yaml, named: "t.yaml"))
                let recipe = try Recipe(
                    theirs.value.imported().changes, named: "t.yaml", of: theirs)
                _ = try RunConfiguration<IJEPA.Config>.resolve(recipe: recipe)
                return "no error"
            } catch { return "\(error)" }
        }
        #expect(error("meta: {}\ndata:\n  crop_scale: [0.2, 1]") == "no error")
        #expect(
            error("meta: {}\ndata:\n  batch_size: -4")
                == "t.yaml:3 (data.batch_size): data.batchSize is -4, expected a positive number")
        #expect(
            error("data:\n  crop_size: 0")
                == "t.yaml:2: data.crop_size is 0, expected a positive number")
        #expect(
            error("data:\n  crop_scale: [0.3]")
                == "t.yaml:2: data.crop_scale is [0.3], expected two numbers 0 < least <= "
                + "greatest <= 1")
        for strength in ["-1.0", "4.0"] {
            #expect(
                error("data:\n  color_jitter_strength: \(strength)")
                    == "t.yaml:2: data.color_jitter_strength is \(strength), expected a number "
                    + "from 0 to 2.5")
        }
        #expect(
            error("meta:\n  model_name: vit_predictor")
                .hasPrefix("t.yaml:2: meta.model_name is vit_predictor, expected vit_ or deit_"))
        #expect(
            error("data:\n  homo: 4").hasPrefix("t.yaml:2: data.homo is 4, expected no such key"))
    }
}
