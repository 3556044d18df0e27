import Foundation
import Testing

/// Runs that begin with a configuration file of I-JEPA's or StoP's own code.
@Suite("--import-config") struct ImportConfigTests {
    private let folder: TemporaryFolder
    private let data: String

    init() throws {
        folder = try TemporaryFolder()
        data = try TinyPictures.write(to: folder)
    }

    /// Every key that I-JEPA's code reads.
    private static let ijepa = """
        data: {batch_size: 16, color_jitter_strength: 0.0, crop_scale: [0.3, 1.0], crop_size: 8,
          image_folder: imagenet/, num_workers: 10, pin_mem: true, root_path: /data,
          use_color_distortion: false, use_gaussian_blur: false, use_horizontal_flip: false}
        logging: {folder: /logs, write_tag: jepa}
        mask: {allow_overlap: false, aspect_ratio: [0.75, 1.5], enc_mask_scale: [0.85, 1.0],
          min_keep: 1, num_enc_masks: 1, num_pred_masks: 4, patch_size: 2,
          pred_mask_scale: [0.15, 0.2]}
        meta: {copy_data: false, load_checkpoint: false, model_name: vit_tiny, pred_depth: 1,
          pred_emb_dim: 12, read_checkpoint: null, use_bfloat16: false}
        optimization: {ema: [0.99, 1.0], epochs: 1, final_lr: 1.0e-6, final_weight_decay: 0.4,
          ipe_scale: 1.0, lr: 1.0e-3, start_lr: 2.0e-4, warmup: 0, weight_decay: 0.04}

        """

    /// Every key that StoP's code reads.
    private static let stop =
        ijepa.replacing("allow_overlap: false, ", with: "")
        .replacing("pred_emb_dim", with: "emb_dim")
        .replacing("copy_data", with: "target_blocks: 1, copy_data")
        .replacing("use_bfloat16", with: "use_float16").replacing("ema: [0.99, 1.0], ", with: "")
        .replacing(
            "warmup: 0",
            with: """
                warmup: 0, clip_grad: 0, all_gather: false, fix_lr_thres: -1, fix_lr_strategy: const,
                  fix_wd_thres: -1, fix_wd_strategy: const
                """)
        + "stop_params: {apply_stop: true, var: 0.25}\n"

    private func run(_ yaml: String, _ name: String) throws -> Program.Result {
        let file = folder.path("\(name).yaml")
        try Data(yaml.utf8).write(to: URL(fileURLWithPath: file))
        return try Program.run(
            [
                "pretrain", "--import-config", file, "--data", data, "--out", folder.path(name),
                "model.width=16", "model.depth=1", "model.heads=2", "model.channels=1",
                "method.predictorHeads=2", "run.device=cpu", "schedule.epochs=0.5",
                "method.masks.reachesEdges=true", "method.masks.targetScale=[0.4, 0.5]",
            ])
    }

    /// The keys of the message about a file, with what is said of each.
    private func notes(_ message: String) -> [String: String] {
        let lines = message.split(separator: "\n").filter { $0.hasPrefix("  ") }
        return Dictionary(
            lines.compactMap { line in
                let words = line.split(separator: " ", maxSplits: 1)
                return words.count == 2 && words[0].contains(".")
                    ? (String(words[0]), words[1].trimmingCharacters(in: .whitespaces)) : nil
            }
        ) { first, _ in first }
    }

    /// The keys of such YAML: `section.key`.
    private func keys(_ yaml: String) -> Set<String> {
        var keys: Set<String> = []
        var section = ""
        for line in yaml.split(separator: "\n") {
            if !line.hasPrefix(" "), let end = line.firstIndex(of: ":") {
                section = String(line[..<end])
            }
            for match in line.matches(of: /([a-z_0-9]+): [^{]/) {
                keys.insert("\(section).\(match.output.1)")
            }
        }
        return keys
    }

    @Test("each key of a whole file is accounted for, and the run starts", arguments: [0, 1])
    func whole(kind: Int) throws {
        let (yaml, name) = kind == 0 ? (Self.ijepa, "ijepa") : (Self.stop, "stop")
        let result = try run(yaml, name)
        try #require(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("as settings of \(name):"))
        let notes = notes(result.errors)
        #expect(Set(notes.keys) == keys(yaml))
        #expect(notes["optimization.start_lr"] == "schedule.startLr=0.0002")
        #expect(notes["meta.read_checkpoint"] == "null, as if it were not there")
        let config = try String(
            contentsOfFile: folder.path("\(name)/config.yaml"), encoding: .utf8)
        #expect(config.contains("method: \(name)") && config.contains("startLr: 0.0002"))
        let line = 1 + (lines(yaml).firstIndex { $0.contains("start_lr:") } ?? 0)
        let place = "\(folder.path(name)).yaml:\(line) (optimization.start_lr)"
        #expect(lines(config).contains { $0.contains("startLr:") && $0.hasSuffix("  # \(place)") })
    }

    private func lines(_ text: String) -> [Substring] {
        text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    @Test("off is false, and a value that cannot be names the file and its key")
    func values() throws {
        let off = try run(Self.stop.replacing("apply_stop: true", with: "apply_stop: off"), "off")
        try #require(off.status == 0, "\(off.errors)")
        #expect(notes(off.errors)["stop_params.apply_stop"] == "method.positions=deterministic")
        let config = try String(contentsOfFile: folder.path("off/config.yaml"), encoding: .utf8)
        #expect(config.contains("positions: deterministic"))

        let wrong = try run(
            Self.ijepa.replacing("batch_size: 16", with: "batch_size: -4"), "wrong")
        let file = folder.path("wrong.yaml")
        #expect(wrong.status != 0)
        #expect(wrong.errors.contains("tessera: \(file):1 (data.batch_size): data.batchSize is -4"))
    }

    @Test("keys that the authors' code demands and the file lacks are named")
    func absent() throws {
        let yaml = Self.stop.replacing("start_lr: 2.0e-4, ", with: "")
            .replacing("apply_stop: true, ", with: "")
        let result = try run(yaml, "absent")
        try #require(result.status == 0, "\(result.errors)")
        let notes = notes(result.errors)
        for key in ["optimization.start_lr", "stop_params.apply_stop"] {
            #expect(notes[key] == "not in the file, which their code demands: our default")
        }
        #expect(notes.values.count { $0.hasPrefix("not in the file") } == 2)
    }
}
