import TestSupport
import Testing
import Torch
import VisionModels

/// Stored positions and tables of relative biases at other sizes, each family's way.
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

    @Test("iBOT's fine-tuning", arguments: ParityTable.cases("ibot", "checkpoint_resize"))
    func iBOT(item: ParityCase) throws {
        let tolerance = Tolerance.absolute(1e-5)
        let settings = try item.config
        for (index, row) in try settings.array("pos").enumerated() {
            let (source, target) = (try grid(row[0]), try grid(row[1]))
            let stored = try item.tensor("in/pos\(index)")
            item.compare(
                "out/pos\(index)",
                try PositionResize.iBOT.forFineTuning.fitting(
                    stored, from: source, to: target,
                    extraTokens: stored.shape[1] - source.count),
                tolerance: tolerance)
        }
        for (index, row) in try settings.array("rel").enumerated() {
            let (source, target) = (try grid(row[0]), try grid(row[1]))
            let stored = try item.tensor("in/rel\(index)")
            item.compare(
                "out/rel\(index)",
                try RelativeBiasResize.iBOT.fitting(
                    stored, fromOffsets: source, toOffsets: target,
                    extraRows: stored.shape[0] - source.count),
                tolerance: tolerance)
            let axis = GeometricOffsets(source: source.rows, target: target.rows)
            item.compare(
                "out/rel\(index)_q", Tensor(scalar: Float(axis.ratio)), tolerance: tolerance)
            item.compare(
                "out/rel\(index)_x", Tensor(axis.coordinates.map { Float($0) }),
                tolerance: tolerance)
        }
        for (index, row) in try settings.array("swin").enumerated() {
            let (source, target) = (try grid(row[0]), try grid(row[1]))
            item.compare(
                "out/swin\(index)",
                try RelativeBiasResize.iBOTSwin.fitting(
                    try item.tensor("in/swin\(index)"), fromOffsets: source, toOffsets: target,
                    extraRows: 0),
                tolerance: tolerance)
        }
        item.finish()
    }

    @Test(
        "SimMIM's relative biases",
        arguments: ParityTable.cases("beyondcls", "simmim_rpb_interpolation"))
    func simMIM(item: ParityCase) throws {
        for (index, row) in try item.config.array("cases").enumerated() {
            let (source, target) = (try row.int("src_window"), try row.int("dst_window"))
            for (input, output) in [
                ("swin_table", "swin_table"), ("vit_shared_table", "vit_block_table"),
            ] {
                let stored = try item.tensor("in/\(input)\(index)")
                let side = 2 * source - 1
                item.compare(
                    "out/\(output)\(index)",
                    try RelativeBiasResize.simMIM.fitting(
                        stored, to: PatchGrid(rows: target, columns: target),
                        extraRows: stored.shape[0] - side * side),
                    tolerance: .absolute(2e-6))
            }
        }
        item.finish()
    }

    /// A recorded size: the side of a square, or [rows, columns].
    private func grid(_ size: ParityConfig) throws -> PatchGrid {
        if let side = try? size.int { return PatchGrid(rows: side, columns: side) }
        return PatchGrid(rows: try size[0].int, columns: try size[1].int)
    }
}
