import Analysis
import Foundation
import Reports
import TensorFiles
import Torch

/// What `tessera attention` writes: tables, figures and a page that shows them.
struct AttentionFiles {
    let folder: URL
    /// Where the pictures are from.
    let data: String
    let summaries: [AttentionSummary]
    /// Makes PNG files of the figures too.
    let raster: FigureRaster?

    var report: URL { folder.appendingPathComponent("report.html") }

    /// A name without what a path may not hold: `runs/mae` becomes `runs-mae`.
    static func fileName(_ name: String) -> String {
        String(name.map { $0 == "/" ? "-" : $0 })
    }

    func write() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try write(encoder.encode(summaries), to: "attention.json")
        try write(Data(AttentionSummary.csv(summaries).utf8), to: "attention.csv")
        let comparison = AttentionComparison(summaries)
        for (name, chart) in comparison.curves {
            try write(SVGFile(chart), to: name)
        }
        for (name, _, _, maps) in comparison.maps() {
            for (summary, map) in zip(summaries, maps) {
                try write(SVGFile(map), to: "\(name)-\(Self.fileName(summary.encoder))")
            }
        }
        try write(Data(page(comparison).html.markup.utf8), to: report.lastPathComponent)
    }

    private func write(_ figure: SVGFile, to name: String) throws {
        try write(Data(figure.markup.utf8), to: name + ".svg")
        try raster?.draw(folder.appendingPathComponent(name + ".svg"))
    }

    private func write(_ bytes: Data, to name: String) throws {
        try AtomicFile(path: folder.appendingPathComponent(name).path).finish(bytes)
    }

    private func page(_ comparison: AttentionComparison) throws -> ReportPage {
        let names = summaries.map(\.encoder).joined(separator: ", ")
        var page = ReportPage(
            title: "Attention of \(names)",
            subtitle: "\(summaries[0].pictures) pictures of \(data)",
            colophon: "Tessera \(Version.text), libtorch \(LibTorch.loadedVersion), "
                + TorchSettings.cpuDescription)
        page.cards = summaries.map { summary in
            let blocks = summary.quantities.first?.mean.count ?? 0
            let heads = summary.quantities.first { !$0.heads.isEmpty }?.heads[0].count ?? 0
            return Card(
                summary.encoder, value: "\(blocks) × \(heads)", unit: "blocks × heads",
                remark: "\(summary.patches) patches")
        }
        page.add(
            "Blocks", lead: "Means over pictures and heads, from the first block to the last.",
            [SideBySide(comparison.curves.map(\.chart))])
        page.add(
            "Heads",
            lead: "Means over pictures; a row is a block, a column a head. The colours of a number "
                + "mean the same in all encoders.",
            try comparison.maps().map { _, title, legend, maps in
                TitledGrid(title: title, grid: try PatchMapGrid(maps, legend: legend))
            })
        return page
    }
}

/// Maps under a heading.
private struct TitledGrid: ReportBlock {
    let title: String
    let grid: PatchMapGrid

    var html: HTML { "<h3>\(title)</h3>\n\(grid.html)" }
}
