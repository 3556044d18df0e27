import Foundation
public import NN
public import Torch

/// A block of Swin: attention inside windows, which every other block shifts, then an MLP.
///
/// x += attn(LN x), x += mlp(LN x): Liu et al., *Swin Transformer* (2021), equation 3. Zeros that pad
/// the grid come behind the norm and are attended to like cells.
public final class SwinBlock: Module {
    /// The mask of the model's own grid, as SimMIM saves it; other grids have theirs computed.
    @Buffer var attnMask: Tensor?  // [W, n, n]
    let norm1: LayerNorm
    public let attn: WindowAttention
    let norm2: LayerNorm
    let mlp: Mlp
    let dropPath: DropPath
    /// w, the side of a window: the configured one, or that of the stage's map where it is smaller.
    public let window: Int
    /// How far the windows are shifted; 0 where one window covers the map.
    public let shift: Int
    private let masks: WindowMasks

    init(
        _ width: Int, heads: Int, grid: PatchGrid, isShifted: Bool, dropPath: Double,
        _ config: SwinTransformer.Config, masks: WindowMasks, generator: Generator?
    ) {
        let side = min(grid.rows, grid.columns)
        let isWhole = side <= config.window
        window = isWhole ? side : config.window
        shift = isShifted && !isWhole ? config.window / 2 : 0
        self.masks = masks
        attnMask =
            config.savesMasks ? Windows(of: grid, size: window, shift: shift).mask : nil
        norm1 = LayerNorm(width, eps: config.normEps)
        attn = WindowAttention(
            width, window: window, heads: heads, qkvBias: config.qkvBias, generator: generator)
        norm2 = LayerNorm(width, eps: config.normEps)
        mlp = Mlp(
            width, hidden: Int(Double(width) * config.mlpRatio + 1e-6), generator: generator)
        self.dropPath = DropPath(dropPath, generator: generator)
    }

    /// - Parameters:
    ///   - x: `[B, H·W, C]`.
    ///   - grid: H × W.
    /// - Returns: `[B, H·W, C]`.
    public func callAsFunction(_ x: Tensor, on grid: PatchGrid) -> Tensor {
        let windows = Windows(of: grid, size: window, shift: shift)
        return checkpointing(x, drawing: dropPath.source) { [self] x, _ in
            let mixed = attn(
                windows.partition(norm1(x)), mask: masks.mask(of: windows, x.device))
            return feedForward(x + dropPath(windows.merge(mixed)))
        }
    }

    /// The output together with the attention weights `[B·W, heads, n, n]`.
    public func withWeights(
        _ x: Tensor, on grid: PatchGrid
    ) -> (output: Tensor, weights: Tensor) {
        let windows = Windows(of: grid, size: window, shift: shift)
        let (mixed, weights) = attn.withWeights(
            windows.partition(norm1(x)), mask: masks.mask(of: windows, x.device))
        return (feedForward(x + dropPath(windows.merge(mixed))), weights)
    }

    private func feedForward(_ x: Tensor) -> Tensor { x + dropPath(mlp(norm2(x))) }

    /// The layers whose weights are drawn at the start.
    var linearLayers: [Linear] { attn.linearLayers + mlp.linearLayers }
}

/// Keeps the masks of shifted windows, which depend on their grid alone, for the next batch.
final class WindowMasks {
    private var known: [Key: Tensor] = [:]
    private let lock = NSLock()

    private struct Key: Hashable {
        let windows: Windows
        let device: Device
    }

    func mask(of windows: Windows, _ device: Device) -> Tensor? {
        guard windows.shift > 0 else { return nil }
        let key = Key(windows: windows, device: device)
        return lock.withLock {
            if let mask = known[key] { return mask }
            let mask = windows.mask?.to(device)
            // Pictures of many sizes would fill the memory.
            if known.count > 64 { known = [:] }
            known[key] = mask
            return mask
        }
    }
}
