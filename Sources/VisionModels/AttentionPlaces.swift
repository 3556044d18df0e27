import Foundation
import NN
import Torch

/// Makes what a vision transformer's attention is told of the places of tokens, and keeps it for the
/// next batch of the same size.
final class AttentionPlaces {
    private let config: VisionTransformer.Config
    private var last: Entry?
    private let lock = NSLock()

    private struct Entry {
        let grid: PatchGrid
        let device: Device
        let pairs: RelativePairs?
        let rotation: Rotation?
    }

    init(_ config: VisionTransformer.Config) {
        self.config = config
    }

    /// - Parameters:
    ///   - grid: of the images.
    ///   - device: of the images.
    ///   - shared: the table of all blocks, where there is one.
    /// - Returns: on the device.
    func positions(
        on grid: PatchGrid, device: Device, shared: RelativePositionBias?
    ) -> AttentionPositions {
        let entry = lock.withLock { self.entry(grid, device) }
        let bias = entry.pairs.flatMap { pairs in shared.map { $0(pairs) } }
        return AttentionPositions(
            sharedBias: bias, pairs: entry.pairs, rotation: entry.rotation)
    }

    private func entry(_ grid: PatchGrid, _ device: Device) -> Entry {
        if let last, last.grid == grid, last.device == device { return last }
        let entry = Entry(
            grid: grid, device: device,
            pairs: config.relativePositions == .none ? nil : pairs(grid, device),
            rotation: config.rotaryEmbedding.map { embedding in
                embedding.rotation(of: grid, headWidth: config.width / config.heads)
                    .moved(to: device)
            })
        last = entry
        return entry
    }

    private func pairs(_ grid: PatchGrid, _ device: Device) -> RelativePairs {
        let config = config
        return RelativePairs(of: grid, classToken: config.classToken, device: device) { table in
            guard grid != config.grid else { return table }
            do {
                return try config.relativeResize.fitting(
                    table, from: config.grid, to: grid, extraRows: config.extraRelativeRows)
            } catch {
                fatalError("relative positions on \(grid) patches: \(error)")
            }
        }
    }
}

extension VisionTransformer.Config {
    /// Rotary positions as the settings say; nil for none.
    package var rotaryEmbedding: RotaryEmbedding? {
        rotary.map { RotaryEmbedding($0, base: rotaryBase, referenceGrid: rotaryGrid) }
    }

    /// The table of fixed positions, `[1, E' + N, D]`; nil where they are learned or none.
    var fixedPositions: Tensor? {
        switch positions {
        case .sinCos, .sinCosRowsFirst:
            return SinCosEmbedding.make(
                grid, width: width, extraTokens: extraPositions,
                rowsFirst: positions == .sinCosRowsFirst)
        case .sinCosLine:
            let line = SinCosEmbedding.interleavedLine(grid.count, width: width)
            return concatenated([.zeros([1, extraPositions, width]), line], 1)
        case .learned, .none:
            return nil
        }
    }
}
