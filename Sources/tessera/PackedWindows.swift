import Data
import Foundation
import Reports

/// The masks of pictures of many sizes, packed into sequences as featurenorm trains on them.
struct PackedWindows {
    private let mask: WindowMask
    private let lengths: WindowLengths
    /// The sequences of the first full buffer, or of all that there is.
    private var sequences: [[PairPacker.Placement]] = []
    private let seed: UInt64
    private let epoch: Int
    /// Sequences that are packed at once, and those that are drawn.
    private static let buffer = 64
    private static let drawn = 10
    /// Sequences whose windows are drawn, too.
    private static let sampled = 3

    /// Packs masks in their order.
    ///
    /// - Throws: `DataError` if one does not fit into a sequence.
    init(_ masks: [PictureMask], _ mask: WindowMask, patchSize: Int, seed: UInt64, epoch: Int)
        throws
    {
        self.mask = mask
        (self.seed, self.epoch) = (seed, epoch)
        lengths = mask.lengths(patchSize: patchSize)
        var packer = PairPacker(
            contextLength: lengths.contextTokens, targetLength: lengths.targetPatches,
            sequences: Self.buffer)
        for (number, picture) in masks.enumerated() {
            let full = try packer.append(
                id: number, context: mask.split.registers + (picture.contexts.first?.count ?? 0),
                target: picture.targets.first?.count ?? 0)
            if let full {
                sequences = full
                break
            }
        }
        if sequences.isEmpty { sequences = packer.take().filter { !$0.isEmpty } }
    }

    /// Pictures of a sequence, on average.
    var picturesPerSequence: Double {
        Double(sequences.reduce(0) { $0 + $1.count }) / Double(max(sequences.count, 1))
    }

    /// The part of the places that no picture takes.
    var paddingShare: Double {
        let taken = sequences.joined().reduce(0) { $0 + $1.context.count + $1.target.count }
        return 1 - Double(taken) / Double(max(sequences.count * lengths.tokens, 1))
    }

    var chart: SegmentRows {
        var rows: [SegmentRows.Row] = []
        for (number, sequence) in sequences.prefix(Self.drawn).enumerated() {
            let start = lengths.contextTokens
            rows.append(
                .init(
                    name: "\(number)",
                    segments: sequence.flatMap { place -> [SegmentRows.Segment] in
                        let target = place.target
                        return [
                            .init(
                                place.context, group: place.id,
                                detail: "mask \(place.id): \(place.context.count) tokens of context"
                            ),
                            .init(
                                start + target.lowerBound..<start + target.upperBound,
                                group: place.id,
                                detail: "mask \(place.id): \(target.count) patches to predict"),
                        ]
                    }))
            if number < Self.sampled { rows += taken(by: sequence, number) }
        }
        let name = String(format: "%.1f", picturesPerSequence)
        return SegmentRows(
            title: "The first sequences", length: lengths.tokens, border: lengths.contextTokens,
            rows: rows,
            note: "\(lengths.contextTokens) places for contexts, then \(lengths.targetPatches) for "
                + "targets; \(name) pictures a sequence, "
                + String(format: "%.1f", paddingShare * 100)
                + " % padding. The thin rows are the windows that each repeat of the predictor "
                + "takes, for example.")
    }

    /// For each repeat the windows that it takes of both areas.
    private func taken(by sequence: [PairPacker.Placement], _ number: Int) -> [SegmentRows.Row] {
        let side = mask.split.windowPatches
        var random = CounterRandom(seed: seed, purpose: .method, epoch: epoch, sample: number)
        func windows(_ length: Int, filled: Int) -> [[Int]] {
            let isPadding = (0..<length / side).map { $0 * side >= filled }
            return mask.sampling.windows(isPadding: isPadding, random: &random)
        }
        let contexts = windows(
            lengths.contextTokens, filled: sequence.last?.context.upperBound ?? 0)
        let targets = windows(
            lengths.targetPatches, filled: sequence.last?.target.upperBound ?? 0)
        return zip(contexts, targets).enumerated().map { index, pair in
            let places =
                pair.0.map { $0 * side } + pair.1.map { lengths.contextTokens + $0 * side }
            return .init(
                name: "",
                segments: places.sorted().map {
                    .init($0..<$0 + side, group: nil, detail: "taken by repeat \(index + 1)")
                }, isThin: true)
        }
    }
}
