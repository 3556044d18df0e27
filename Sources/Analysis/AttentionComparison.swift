import Foundation
public import Reports

/// The attention of encoders side by side: curves over blocks, and maps of blocks and heads.
public struct AttentionComparison {
    /// At least one.
    public let encoders: [AttentionSummary]

    public init(_ encoders: [AttentionSummary]) { self.encoders = encoders }

    /// One chart for each number that any of the encoders has, with a curve of each that has it.
    public var curves: [(name: String, chart: LineChart)] {
        names.map { name in
            let found = encoders.compactMap { encoder in
                encoder.quantities.first { $0.name == name }.map { (encoder, $0) }
            }
            let chart = LineChart(
                title: found[0].1.title, xLabel: "block", yLabel: Self.unit(name),
                series: encoders.map { encoder in
                    // One without the number keeps its place, so that colours mean the same in all charts.
                    let quantity = encoder.quantities.first { $0.name == name }
                    return Series(name: encoder.encoder, values: quantity?.mean ?? [], first: 1)
                },
                note: Self.isEntropy(name) ? entropyNote(found.map(\.0)) : "")
            return (name, chart)
        }
    }

    /// For each number of heads one map an encoder, blocks from top to bottom, heads from left to right;
    /// the colours of a number mean the same in all encoders.
    public func maps() -> [(name: String, title: String, legend: ColorLegend, maps: [PatchMap])] {
        names.compactMap { name in
            let found = encoders.compactMap { encoder in
                encoder.quantities.first { $0.name == name && !$0.heads.isEmpty }.map {
                    (encoder, $0)
                }
            }
            let values = found.flatMap { $0.1.heads.joined() }
            guard let low = values.min(), let high = values.max() else { return nil }
            let maps = found.map { encoder, quantity in
                Self.map(quantity, of: encoder, from: low, to: high)
            }
            return (
                name, found[0].1.title,
                ColorLegend(
                    low: String(format: "%.3g", low), high: String(format: "%.3g", high),
                    label: Self.unit(name)),
                maps
            )
        }
    }

    private static func map(
        _ quantity: AttentionSummary.Quantity, of encoder: AttentionSummary, from low: Double,
        to high: Double
    ) -> PatchMap {
        let (blocks, heads) = (quantity.heads.count, quantity.heads[0].count)
        var map = PatchMap(
            rows: blocks, columns: heads, layers: [],
            summary: "\(quantity.title) of \(encoder.encoder), \(blocks) blocks by \(heads) heads")
        let span = high - low
        map.shades = quantity.heads.joined().map { span > 0 ? ($0 - low) / span : 0 }
        map.details = quantity.heads.enumerated().flatMap { block, row in
            row.enumerated().map { head, value in
                "block \(block + 1), head \(head + 1): \(String(format: "%.4g", value))"
            }
        }
        map.caption = "\(encoder.encoder): \(blocks) blocks down, \(heads) heads across"
        return map
    }

    /// The numbers of all encoders in the order of the first that has them.
    private var names: [String] {
        let all =
            AttentionStatistics.HeadQuantity.allCases.map(\.rawValue)
            + AttentionStatistics.BlockQuantity.allCases.map(\.rawValue)
        return all.filter { name in
            encoders.contains { $0.quantities.contains { $0.name == name } }
        }
    }

    private static func isEntropy(_ name: String) -> Bool {
        AttentionStatistics.HeadQuantity(rawValue: name)?.isEntropy ?? false
    }

    private static func unit(_ name: String) -> String {
        if isEntropy(name) { return "nats" }
        return AttentionStatistics.BlockQuantity(rawValue: name) == nil
            ? "weight" : "length of attention's output by that of its input"
    }

    private func entropyNote(_ encoders: [AttentionSummary]) -> String {
        let bounds = Set(encoders.map(\.patches)).sorted().map {
            String(format: "%.2f for %d patches", log(Double($0)), $0)
        }
        return "Attention that is the same on all patches has " + bounds.joined(separator: ", ")
            + "."
    }
}
