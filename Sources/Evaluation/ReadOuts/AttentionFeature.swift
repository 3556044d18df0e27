import NN
public import Torch
public import VisionModels

/// Features of chosen patches, without parameters: the further modes of *Beyond [cls]*'s `--cls_features`.
///
/// A is the attention of the last block that was run, token 0 the class token; the centre of a grid of g ×
/// g patches are the n × n from ⌊g/2⌋ − ⌈n/2⌉ on.
public enum AttentionFeature: String, Codable, Sendable, CaseIterable {
    /// The mean of the centre's patches.
    case center1 = "cp1"
    case center2 = "cp2"
    case center3 = "cp3"
    case center4 = "cp4"
    /// All patches, weighted by how much the centre's patches look at them on average; the weights sum to
    /// 1 over the patches, and the result is divided by their number, which normalisation takes out again.
    case centerAttention1 = "ca1"
    case centerAttention2 = "ca2"
    case centerAttention3 = "ca3"
    case centerAttention4 = "ca4"
    /// All patches, weighted by where the class token looks, the mean of the heads.
    case classAttention = "attn-mn"
    /// The same by the head with the lowest entropy, chosen for each image.
    case sharpestHead = "attn-lcte"

    /// Whether it follows from where the class token looks.
    public var needsClassToken: Bool { self == .classAttention || self == .sharpestHead }

    /// The feature of each image.
    ///
    /// - Parameters:
    ///   - tokens: `[B, T, D]`, after the last block that was run.
    ///   - weights: of that block's attention, `[B, H, T, T]`.
    ///   - grid: of the patches.
    ///   - extraTokens: those before the patches.
    /// - Returns: `[B, D]`.
    public func callAsFunction(
        _ tokens: Tensor, weights: Tensor, on grid: PatchGrid, extraTokens: Int
    ) -> Tensor {
        let patches = tokens[0..., extraTokens...]  // [B, N, D]
        let onPatches = weights[0..., 0..., 0..., extraTokens...]  // [B, H, T, N]
        switch self {
        case .center1, .center2, .center3, .center4:
            return patches.selecting(center(of: grid, patches.device), 1).mean(1)
        case .centerAttention1, .centerAttention2, .centerAttention3, .centerAttention4:
            let queries = onPatches.mean(1)[0..., extraTokens...]  // [B, N, N]
                .selecting(center(of: grid, patches.device), 1).mean(1)  // [B, N]
            let shares = queries / (queries.sum(1, keepDim: true) + 1e-6)
            return (shares.unsqueezed(2) * patches).mean(1)
        case .classAttention:
            return Self.weighted(patches, by: onPatches[0..., 0..., 0].mean(1))
        case .sharpestHead:
            let rows = onPatches[0..., 0..., 0]  // [B, H, N]
            let shares = rows / (rows.sum(-1, keepDim: true) + 1e-6)
            let entropy = -(shares * (shares + 1e-6).log()).sum(-1)  // [B, H]
            let chosen = entropy.min(1).indices.oneHot(classCount: rows.shape[1])
                .to(dtype: rows.dtype).unsqueezed(2)  // [B, H, 1]
            return Self.weighted(patches, by: (rows * chosen).sum(1))
        }
    }

    /// Patches weighted by where the class token of another model looks at the same images, the mean over
    /// its heads and the patches: the mode `dino`.
    ///
    /// - Parameters:
    ///   - patches: `[B, N, D]`.
    ///   - attention: of the other model's last block, `[B, H, T, T]`.
    ///   - extraTokens: those of the other model before its N patches.
    /// - Returns: `[B, D]`.
    public static func guided(_ patches: Tensor, by attention: Tensor, extraTokens: Int) -> Tensor {
        let weights = attention[0..., 0..., 0, extraTokens...].mean(1)  // [B, N]
        return (weights.unsqueezed(2) * patches).mean(1)
    }

    /// Σ w x / Σ w.
    private static func weighted(_ patches: Tensor, by weights: Tensor) -> Tensor {
        let shares = weights / weights.sum(1, keepDim: true)
        return (shares.unsqueezed(2) * patches).sum(1)
    }

    private var centerSize: Int { Int(rawValue.suffix(1)) ?? 1 }

    private func center(of grid: PatchGrid, _ device: Device) -> Tensor {
        let n = centerSize
        func range(_ side: Int) -> Range<Int> {
            let start = max(0, side / 2 - (n + 1) / 2)
            return start..<min(side, start + n)
        }
        let places = range(grid.rows).flatMap { row in
            range(grid.columns).map { row * grid.columns + $0 }
        }
        return Tensor(places).to(device)
    }
}
