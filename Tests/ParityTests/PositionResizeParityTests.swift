import TestSupport
import Testing
import Torch
import VisionModels

/// Stored positions at other sizes, each family's way.
@Suite("Resized positions equal to the references'") struct PositionResizeParityTests {
    /// MaPeT; the names hold the settings: 7to4x6_p1 is 7 × 7 to 4 × 6 with 1 row in front.
    @Test("MaPeT's positions", arguments: ParityTable.cases("mapet", "pos_embed_resize"))
    func maPeT(item: ParityCase) throws {
        for row in try item.config.array("cases") {
            let name = try row.string
            let sizes = try #require(name.wholeMatch(of: #/(\d+)to(\d+)x(\d+)_p(\d+)/#)).output
            let source = try #require(Int(sizes.1))
            let (rows, columns) = (try #require(Int(sizes.2)), try #require(Int(sizes.3)))
            item.compare(
                "out/\(name)",
                try PositionResize.maPeT.fitting(
                    try item.tensor("in/\(name)"), from: PatchGrid(rows: source, columns: source),
                    to: PatchGrid(rows: rows, columns: columns),
                    extraTokens: try #require(Int(sizes.4))))
        }
        item.finish()
    }

    /// I-JEPA: table_4_6 is 4 × 4 to 6 × 6.
    @Test("I-JEPA's positions", arguments: ParityTable.cases("stop", "ijepa_pos_interp"))
    func iJEPA(item: ParityCase) throws {
        for name in try item.names("in/table_") {
            let sizes = try #require(name.wholeMatch(of: #/in/table_(\d+)_(\d+)/#)).output
            let (source, target) = (try #require(Int(sizes.1)), try #require(Int(sizes.2)))
            let table = try item.tensor(name)
            item.compare(
                "out/interp_\(source)_\(target)",
                try PositionResize.iJEPA.fitting(
                    table, to: PatchGrid(rows: target, columns: target),
                    extraTokens: table.shape[1] - source * source),
                tolerance: .ofMaximum(1e-5))
        }
        item.finish()
    }
}
