import Foundation
import Torch

/// What many pictures say of an encoder's attention: means over them, by block and head.
public struct AttentionSummary: Sendable, Encodable {
    /// One of the numbers of `AttentionStatistics`.
    public struct Quantity: Sendable, Encodable {
        /// As the published code logs it.
        public let name: String
        /// For people.
        public let title: String
        /// Means over pictures and heads, one a block.
        public let mean: [Double]
        /// Means over pictures, `heads[block][head]`; empty for numbers of a whole block.
        public let heads: [[Double]]
        /// Standard deviations over pictures of the same; those of `mean` where `heads` is empty.
        public let deviation: [[Double]]
    }
    /// What the encoder is called beside others.
    public let encoder: String
    /// Where its weights are from.
    public let origin: String
    public let pictures: Int
    /// Patches of a picture; an entropy is ln of it at most.
    public let patches: Int
    /// Those of a class token are absent in models without one.
    public let quantities: [Quantity]

    public init(
        of statistics: AttentionStatistics, encoder: String, origin: String, patches: Int
    ) {
        self.encoder = encoder
        self.origin = origin
        self.patches = patches
        pictures = statistics.heads.shape[0]
        let heads = statistics.heads.to(dtype: .float64).to(.cpu)  // [N, blocks, H, 8]
        let magnitudes = statistics.magnitudes.to(dtype: .float64).to(.cpu)  // [N, blocks, 2]
        let ofHeads = AttentionStatistics.HeadQuantity.allCases.enumerated().map {
            index, quantity in
            let values = heads[0..., 0..., 0..., index]
            return Quantity(
                name: quantity.rawValue, title: quantity.title,
                mean: values.mean(0, 2).values(), heads: Self.rows(values.mean(0)),
                deviation: Self.rows(Self.deviation(values)))
        }
        let ofBlocks = AttentionStatistics.BlockQuantity.allCases.enumerated().map {
            index, quantity in
            let values = magnitudes[0..., 0..., index]
            return Quantity(
                name: quantity.rawValue, title: quantity.title, mean: values.mean(0).values(),
                heads: [], deviation: Self.rows(Self.deviation(values).unsqueezed(-1)))
        }
        quantities = (ofHeads + ofBlocks).filter { $0.mean.allSatisfy(\.isFinite) }
    }

    /// 0 for a single picture.
    private static func deviation(_ values: Tensor) -> Tensor {
        values.shape[0] > 1
            ? values.variance(0).sqrt() : .zeros(Array(values.shape.dropFirst()), dtype: .float64)
    }

    private static func rows(_ table: Tensor) -> [[Double]] { table.unbound().map { $0.values() } }
}

extension AttentionSummary {
    /// A table with a line for each encoder, block, head and number.
    ///
    /// Numbers of whole blocks, and means over heads, have no head.
    public static func csv(_ summaries: [AttentionSummary]) -> String {
        var lines = ["encoder,block,head,quantity,mean,deviation"]
        for summary in summaries {
            let name = field(summary.encoder)
            for quantity in summary.quantities {
                for (block, mean) in quantity.mean.enumerated() {
                    let spread = quantity.heads.isEmpty ? "\(quantity.deviation[block][0])" : ""
                    lines.append("\(name),\(block + 1),,\(quantity.name),\(mean),\(spread)")
                    guard !quantity.heads.isEmpty else { continue }
                    for (head, mean) in quantity.heads[block].enumerated() {
                        lines.append(
                            "\(name),\(block + 1),\(head + 1),\(quantity.name),\(mean),"
                                + "\(quantity.deviation[block][head])")
                    }
                }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// RFC 4180: a name with a comma, a quote or a line's end is quoted.
    private static func field(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else {
            return text
        }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}

extension AttentionStatistics.HeadQuantity {
    /// The number in words.
    public var title: String {
        switch self {
        case .clsCls: "Class token on itself"
        case .posSelf: "Patches on themselves"
        case .clsClsAdjusted: "Class token on itself, against all patches"
        case .posSelfAdjusted: "Patches on themselves, against all patches"
        case .clsPos: "Class token on a patch"
        case .posCls: "Patches on the class token"
        case .clsEntropy: "Entropy of the class token over patches"
        case .posEntropy: "Entropy of patches over patches"
        }
    }

    /// Whether it is an entropy, in nats.
    public var isEntropy: Bool { self == .clsEntropy || self == .posEntropy }
}

extension AttentionStatistics.BlockQuantity {
    /// The number in words.
    public var title: String {
        switch self {
        case .clsMagnitude: "Change of the class token"
        case .posMagnitude: "Change of patches"
        }
    }
}
