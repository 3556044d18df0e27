import Analysis
import Foundation
import Reports
import Testing
import Torch
import VisionModels

@Suite("Attention of encoders, compared") struct AttentionSummaryTests {
    private func summary(classToken: Bool, name: String, depth: Int = 3) throws
        -> (AttentionSummary, AttentionStatistics)
    {
        var config = VisionTransformer.Config()
        (config.imageSize, config.patchSize, config.channels) = (16, 4, 1)
        (config.width, config.depth, config.heads) = (8, depth, 2)
        config.classToken = classToken
        let model = try VisionTransformer(config, generator: Generator(seed: 1))
        let images = Tensor.normal([5, 1, 16, 16], generator: Generator(seed: 2))
        let statistics = AttentionStatistics(model, images: images)
        return (
            AttentionSummary(of: statistics, encoder: name, origin: "here", patches: 16), statistics
        )
    }

    @Test("means and deviations over pictures are those of the numbers of each picture")
    func means() throws {
        let (summary, statistics) = try summary(classToken: true, name: "a")
        #expect(summary.quantities.count == 10 && summary.pictures == 5)
        let entropy = try #require(summary.quantities.first { $0.name == "pos_pos_entropy" })
        #expect(entropy.mean.count == 3 && entropy.heads.map(\.count) == [2, 2, 2])
        let numbers: [Float] = statistics.heads[0..., 1, 0, 7].values()
        let mean = numbers.map(Double.init).reduce(0, +) / 5
        let spread = numbers.map { pow(Double($0) - mean, 2) }.reduce(0, +) / 4
        #expect(abs(entropy.heads[1][0] - mean) < 1e-9)
        #expect(abs(entropy.deviation[1][0] - spread.squareRoot()) < 1e-9)
        #expect(abs(entropy.mean[1] - (entropy.heads[1][0] + entropy.heads[1][1]) / 2) < 1e-9)
        #expect(entropy.mean.allSatisfy { $0 > 0 && $0 <= log(16) + 1e-4 })
    }

    @Test("a model without a class token has the numbers of patches alone")
    func withoutClassToken() throws {
        let (summary, _) = try summary(classToken: false, name: "a")
        #expect(
            summary.quantities.map(\.name) == [
                "pos_self_attention", "pos_self_attention_adj_for_cls", "pos_pos_entropy",
                "pos_magnitude",
            ])
        // JSON has no NaN: nothing of it may be left.
        #expect(try !JSONEncoder().encode(summary).isEmpty)
    }

    @Test("the table has a line for each encoder, block, head and number, and means over heads")
    func table() throws {
        let (one, _) = try summary(classToken: false, name: "a, \"b\"", depth: 2)
        let lines = AttentionSummary.csv([one]).split(separator: "\n")
        // Three numbers of 2 blocks × (2 heads and their mean), one of 2 blocks.
        #expect(lines.count == 1 + 3 * 2 * 3 + 2)
        #expect(lines[0] == "encoder,block,head,quantity,mean,deviation")
        #expect(lines[1].hasPrefix("\"a, \"\"b\"\"\",1,,pos_self_attention,"))
        #expect(lines[2].hasPrefix("\"a, \"\"b\"\"\",1,1,pos_self_attention,"))
    }

    @Test("encoders of different depth share charts and the colours of their maps")
    func comparison() throws {
        let (one, _) = try summary(classToken: true, name: "one")
        let (two, _) = try summary(classToken: false, name: "two", depth: 2)
        let comparison = AttentionComparison([one, two])
        #expect(comparison.curves.count == 10)
        let shared = try #require(comparison.curves.first { $0.name == "pos_pos_entropy" })
        #expect(shared.chart.series.map(\.name) == ["one", "two"])
        #expect(shared.chart.series.map(\.points.count) == [3, 2])
        #expect(shared.chart.note.contains("2.77 for 16 patches"))
        let single = try #require(comparison.curves.first { $0.name == "cls_pos_entropy" })
        #expect(single.chart.series.map(\.name) == ["one", "two"])
        #expect(single.chart.series.map(\.points.count) == [3, 0])
        // The legend says whose the only curve is.
        for markup in [single.chart.html.markup, SVGFile(single.chart).markup] {
            #expect(markup.contains(">one<") && !markup.contains(">two<"))
        }

        let maps = try #require(comparison.maps().first { $0.name == "pos_pos_entropy" })
        #expect(maps.maps.map { [$0.rows, $0.columns] } == [[3, 2], [2, 2]])
        let shades = maps.maps.flatMap { $0.shades.compactMap { $0 } }
        #expect(shades.min() == 0 && shades.max() == 1)
        #expect(comparison.maps().count == 8, "magnitudes have no heads")
    }
}
