import Foundation
import NN
import TensorFiles
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Checkpoints

/// The recorded checkpoints, which other programs wrote: the family of each, and how much is loaded.
@Suite(
    "Families of recorded checkpoints",
    .enabled(
        if: ParityFolder.inUse.file("ibot/checkpoints") != nil,
        "no recorded checkpoints: set TESSERA_PARITY to the folder that holds them"))
struct RecordedFamilyTests {
    struct Recorded: CustomTestStringConvertible {
        let file: String
        let family: String
        let place: String
        var testDescription: String { file }

        init(_ file: String, _ family: String, _ place: String) {
            (self.file, self.family, self.place) = (file, family, place)
        }
    }

    static let files = [
        Recorded("beyondcls/checkpoints/mae_finetune_gap.pth", "mae", "model"),
        Recorded("beyondcls/checkpoints/mae_linprobe_cls.pth", "mae", "model"),
        Recorded("beyondcls/checkpoints/mae_pretrain_encoder_only.pth", "mae", "model"),
        Recorded("beyondcls/checkpoints/mae_pretrain_full.pth", "mae", "model"),
        Recorded("beyondcls/checkpoints/simmim_vit_finetune.pth", "simmim", "model"),
        Recorded("beyondcls/checkpoints/simmim_vit_pretrain.pth", "simmim", "model: encoder."),
        Recorded("beyondcls/checkpoints/simmim_swin_finetune.pth", "simmim-swin", "model"),
        Recorded(
            "beyondcls/checkpoints/simmim_swin_pretrain.pth", "simmim-swin", "model: encoder."),
        Recorded(
            "featurenorm/checkpoints/batchnorm_out/00001.pt", "featurenorm", "model: ema_encoder."),
        Recorded(
            "featurenorm/checkpoints/diffmoe_registers_runningbn/00001.pt", "featurenorm",
            "model: ema_encoder."),
        Recorded(
            "featurenorm/checkpoints/vanilla_dyntanh/00001.pt", "featurenorm",
            "model: ema_encoder."),
        Recorded("mapet/checkpoints/beit_pretrain.pth", "beit", "model"),
        Recorded("mapet/checkpoints/clip_state_dict.pt", "clip", "visual."),
        Recorded("mapet/checkpoints/clip_jit.pt", "clip", "visual."),
        Recorded("mapet/checkpoints/vqkd.pth", "vqkd", "model: encoder."),
        Recorded("ibot/checkpoints/backbone_student.pth", "ibot", "state_dict"),
        Recorded("ibot/checkpoints/backbone_teacher.pth", "timm", "state_dict"),
        Recorded("ibot/checkpoints/backbone_teacher_with_head.pth", "ibot", "state_dict"),
        Recorded("ibot/checkpoints/cls_deit.pth", "timm", "model"),
        Recorded("ibot/checkpoints/combined_linear.pth", "timm", "state_dict"),
        Recorded("ibot/checkpoints/finetune_checkpoint-7.pth", "timm", "model"),
        Recorded("ibot/checkpoints/finetune_init.pth", "timm", "the top of the file"),
        Recorded("ibot/checkpoints/pretrain_swin.pth", "ibot-swin", "teacher: backbone."),
        Recorded("ibot/checkpoints/pretrain_vit_separate_fp32.pth", "ibot", "teacher: backbone."),
        Recorded("ibot/checkpoints/pretrain_vit_shared.pth", "ibot", "teacher: backbone."),
        Recorded("mapet/checkpoints/mapet_pretrain.pth.tar", "mapet", "state_dict"),
        Recorded("mapet/checkpoints/mapet_pretrain_ddp.pth", "mapet", "state_dict: module."),
        Recorded("mapet/checkpoints/vit_finetuned.pth.tar", "mapet", "state_dict"),
        Recorded(
            "stop/checkpoints/ijepa_run/jepa-ep2.pth.tar", "ijepa", "target_encoder: module."),
        Recorded(
            "stop/checkpoints/ijepa_run/jepa-latest.pth.tar", "ijepa", "target_encoder: module."),
        Recorded("stop/checkpoints/logistic_run/ck.pth.tar", "ijepa", "target_encoder: module."),
        Recorded(
            "stop/checkpoints/stop_train_run/stop-ddp.pth.tar", "stop", "target_encoder: module."),
        Recorded("stop/checkpoints/stop_train_run/stop-ep2.pth.tar", "stop", "target_encoder"),
        Recorded(
            "stop/checkpoints/stop_train_run/stop-ddp.pth.tar_vissl", "vissl",
            "classy_state_dict.base_model.model.trunk"),
        Recorded(
            "stop/checkpoints/stop_train_run_clip_k2_tail/stop-latest.pth.tar", "stop",
            "target_encoder"),
    ]

    @Test("all of the encoder is loaded", arguments: files)
    func loaded(_ recorded: Recorded) throws {
        let path = try #require(ParityFolder.inUse.file(recorded.file))
        let tellsHeads = recorded.family == "clip" || recorded.family.hasSuffix("-swin")
        let heads = tellsHeads ? nil : 2
        let loaded = try CheckpointLoader(.init(heads: heads)).load(path)
        #expect(loaded.family.name == recorded.family)
        #expect(loaded.report.place == recorded.place)
        #expect(loaded.report.isComplete && loaded.report.coverage == 1)
        #expect(loaded.report.unused.allSatisfy { $0.meaning != "outside of the encoder" })
        // Every number is one of the file: sums over the encoder's tensors are equal.
        let source = try CheckpointSource(path: path)
        let found = try FoundEncoder.choose(nil, in: source)
        let stored = Dictionary(
            uniqueKeysWithValues: found.set.tensors.map { ($0.name, $0.tensor) })
        let own = Dictionary(uniqueKeysWithValues: loaded.model.stateDict)
        for tensor in loaded.report.loaded {
            let expected = try tensor.sources.map { try #require(stored[$0]) }
                .flatMap { $0.doubles() }
            let values = try #require(own[tensor.name]).to(dtype: .float32)
                .values(as: Float.self).map(Double.init)
            #expect(values == expected, "\(tensor.name)")
        }
    }

    /// A list of lists of numbers in a JSON beside a checkpoint.
    private func matrix(_ json: ParityConfig, _ key: String) throws -> Tensor {
        let rows = try json.array(key).map { row in try row.array.map { Float(try $0.double) } }
        return Tensor(rows.flatMap { $0 }, shape: [rows.count, rows[0].count])
    }

    private func images(_ json: ParityConfig) throws -> Tensor {
        Tensor(
            try json.array("input").map { Float(try $0.double) },
            shape: try json.array("input_shape").map { try $0.int })
    }

    @Test(
        "a fine-tuned ViT of MaPeT: the logits of the weights and of their average",
        arguments: ["state_dict", "state_dict_ema"])
    func logits(part: String) throws {
        let path = try #require(
            ParityFolder.inUse.file("mapet/checkpoints/vit_finetuned.pth.tar"))
        let json = try #require(try ParityFolder.inUse.json("mapet/checkpoints/vit_finetuned.json"))
        let heads = try json.object("model").int("num_heads")
        for options in [
            CheckpointLoader.Options(part: part, heads: heads),
            .init(prefersAverage: part == "state_dict_ema", heads: heads),
        ] {
            let loaded = try CheckpointLoader(options).loadClassifier(path)
            #expect(loaded.report.place == part && loaded.report.isComplete)
            let images = try images(json)
            let key = part == "state_dict" ? "logits" : "logits_ema"
            expect(
                noGrad { loaded.model(images) }, closeTo: try matrix(json, key), .absolute(1e-5),
                key)
        }
    }

    @Test(
        "fine-tuned models are classifiers, and all of their tensors are loaded",
        arguments: [
            ("beyondcls/checkpoints/mae_finetune_gap.pth", 2),
            ("beyondcls/checkpoints/simmim_vit_finetune.pth", 2),
            ("beyondcls/checkpoints/simmim_swin_finetune.pth", nil),
            ("ibot/checkpoints/finetune_checkpoint-7.pth", 2), ("ibot/checkpoints/cls_deit.pth", 2),
        ] as [(String, Int?)])
    func fineTuned(file: String, heads: Int?) throws {
        let path = try #require(ParityFolder.inUse.file(file))
        let loaded = try CheckpointLoader(.init(heads: heads)).loadClassifier(path)
        #expect(loaded.report.isComplete && loaded.report.coverage == 1)
        let stored = try #require(
            try CheckpointFile(path: path).tensors(under: ["model"]).first {
                $0.name == "head.weight"
            })
        let head = try #require(loaded.model.namedParameters.first { $0.name == "head.weight" })
        #expect(loaded.model.classCount == stored.tensor.shape[0])
        #expect(
            head.tensor.values(as: Float.self).map(Double.init) == stored.tensor.doubles())
    }

    @Test(
        "encoders and projections are no classifiers, and the error says what to do",
        arguments: [
            "beyondcls/checkpoints/mae_pretrain_full.pth", "mapet/checkpoints/clip_jit.pt",
            "ibot/checkpoints/backbone_teacher_with_head.pth",
            "beyondcls/checkpoints/simmim_swin_pretrain.pth",
        ])
    func noClassifier(file: String) throws {
        let path = try #require(ParityFolder.inUse.file(file))
        #expect {
            _ = try CheckpointLoader().loadClassifier(path)
        } throws: { error in
            (error as? CheckpointError)?.kind == .noClassifier && "\(error)".hasPrefix(path)
                && "\(error)".contains("evaluate the encoder with knn or linear")
        }
    }

    @Test(
        "CLIP's embeddings, of half precisions and of a TorchScript archive",
        arguments: [("clip_state_dict", "pt"), ("clip_jit", "pt")])
    func embeddings(name: String, ending: String) throws {
        let path = try #require(ParityFolder.inUse.file("mapet/checkpoints/\(name).\(ending)"))
        let json = try #require(try ParityFolder.inUse.json("mapet/checkpoints/\(name).json"))
        let loaded = try CheckpointLoader().load(path)
        let stored = try CheckpointFile(path: path).tensors().first { $0.name == "visual.proj" }
        let projection = try Tensor(try #require(stored).tensor).to(dtype: .float32)
        let encoder = loaded.model
        let images = try images(json)
        let found = noGrad { encoder.feature(images).matmul(projection) }
        let tolerance = json.contains("tolerance") ? try json.double("tolerance") : 1e-4
        expect(found, closeTo: try matrix(json, "embedding"), .absolute(tolerance), name)
        let converted = loaded.report.loaded.filter { $0.converted != nil }
        #expect(converted.isEmpty == (name == "clip_jit"))
    }

    @Test("every encoder of a file can be chosen")
    func parts() throws {
        let path = try #require(ParityFolder.inUse.file("ibot/checkpoints/pretrain_vit_shared.pth"))
        let summary = CheckpointSummary(try CheckpointSource(path: path))
        #expect(summary.encoders.map(\.part) == ["teacher.backbone", "student.module.backbone"])
        let student = try CheckpointLoader(.init(part: "student", heads: 2)).load(path)
        #expect(student.report.place == "student: module.backbone.")
        #expect(student.report.loaded.contains { $0.name == "masked_embed" })
        #expect(
            summary.lines == [
                "family ibot: iBOT (Zhou et al. 2022), 30 tensors at teacher: backbone.",
                "more encoders, for --part: student: module.backbone.",
                "beside it: the projection head (10 tensors), the state of an optimizer (117 tensors)",
            ])
    }

    @Test("DALL-E's encoder is known, and the error says what takes it")
    func tokenizer() throws {
        let path = try #require(ParityFolder.inUse.file("mapet/checkpoints/dalle_encoder.pkl"))
        #expect {
            _ = try CheckpointLoader().load(path)
        } throws: {
            ($0 as? CheckpointError)?.kind == .noModel && "\($0)".contains("family dalle")
                && "\($0)".contains("TokenizerLoader")
        }
    }

    @Test(
        "files without an encoder are told apart",
        arguments: [
            "beyondcls/checkpoints/beyond_linprobe_cls.pth", "ibot/checkpoints/linear_multi.pth",
            "ibot/checkpoints/trainfeat.pth", "mapet/checkpoints/codebook_centroids_320_16.npy",
        ])
    func heads(file: String) throws {
        let path = try #require(ParityFolder.inUse.file(file))
        #expect(CheckpointSummary(try CheckpointSource(path: path)).encoders.isEmpty)
        #expect {
            _ = try CheckpointLoader().load(path)
        } throws: {
            ($0 as? CheckpointError)?.kind == .unknownFamily
        }
    }
}
