import NN
import TensorFiles
import TestSupport
import Testing
import Torch
import VisionModels

/// The positions and tables of recorded checkpoints, in models for larger pictures.
///
/// The cases hold whole models after loading, which is more than is compared here, so that none is
/// claimed; a ledger of its own keeps them out of the counts.
@Suite("Tables of recorded checkpoints") struct RecordedTablesTests {
    private static func cases(_ name: String) -> [ParityCase] {
        let folder = ParityFolder.inUse
        let found = ParityCase.all(
            in: "beyondcls", matching: name, ledger: ParityLedger(folder: folder)
        ).filter { item in
            (try? item.config.string("checkpoint")).flatMap { folder.file("beyondcls/\($0)") }
                != nil
        }
        if found.isEmpty { print("beyondcls/\(name): not in \(folder.path), not compared") }
        return found
    }

    /// What the checkpoint of a case holds under `model`.
    private func checkpoint(of item: ParityCase) throws -> [String: Tensor] {
        let name = try item.config.string("checkpoint")
        let path = try #require(ParityFolder.inUse.file("beyondcls/\(name)"))
        let records = try CheckpointFile(path: path).tensors(under: ["model"])
        return try Dictionary(
            records.map { ($0.name, try Tensor($0.tensor)) }, uniquingKeysWith: { $1 })
    }

    private func recordedTables(_ item: ParityCase) throws -> [String] {
        let names = try item.names("out/").filter { $0.hasSuffix("relative_position_bias_table") }
        try #require(!names.isEmpty)
        return names
    }

    @Test("MAE's positions", arguments: cases("beyond_load_mae_bigger"))
    func mae(item: ParityCase) throws {
        let settings = try item.config
        let side = try settings.int("img_size") / settings.int("patch_size")
        let stored = try #require(try checkpoint(of: item)["pos_embed"])
        let fitted = try PositionResize.mae.fitting(
            stored, to: PatchGrid(rows: side, columns: side), extraTokens: 1)
        expect(fitted, closeTo: try item.tensor("out/pos_embed"), atol: 1e-5)
    }

    @Test("SimMIM's shared table of a ViT", arguments: cases("simmim_load_vit_bigger"))
    func vit(item: ParityCase) throws {
        let model = try item.config.object("model")
        let side = try model.int("img_size") / model.int("patch_size")
        let shared = "encoder.rel_pos_bias.relative_position_bias_table"
        let stored = try #require(try checkpoint(of: item)[shared])
        let fitted = try RelativeBiasResize.simMIM.fitting(
            stored, to: PatchGrid(rows: side, columns: side), extraRows: 3)
        for name in try recordedTables(item) {
            expect(fitted, closeTo: try item.tensor(name), atol: 2e-6)
        }
    }

    @Test("SimMIM's tables of a Swin", arguments: cases("simmim_load_swin_bigger"))
    func swin(item: ParityCase) throws {
        let model = try item.config.object("model")
        let side = try model.int("img_size") / model.int("patch_size")
        let stored = try checkpoint(of: item)
        for name in try recordedTables(item) {
            let key = String(name.dropFirst("out/".count))
            let stage = try #require(Int(key.split(separator: ".")[1]))
            // A window is no larger than the map of its stage, which halves from each to the next.
            let window = min(try model.int("window_size"), side >> stage)
            let fitted = try RelativeBiasResize.simMIM.fitting(
                try #require(stored["encoder." + key]),
                to: PatchGrid(rows: window, columns: window), extraRows: 0)
            expect(fitted, closeTo: try item.tensor(name), atol: 2e-6, key)
        }
    }
}
