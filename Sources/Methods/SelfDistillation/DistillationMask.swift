import Data
import Torch

/// What is hidden in the global views of a batch.
///
/// G views of B pictures, N patches of each, M hidden ones in all.
struct DistillationMask {
    /// `[G·B, rows, columns]`.
    let hidden: Tensor
    /// The hidden patches, numbered through all views, `[M]`; nil where nothing is hidden.
    let patches: Tensor?
    /// The share of each in the mean over views and pictures, of which every one counts alike however
    /// many of its patches are hidden, `[M]`.
    let weights: Tensor

    /// - Parameters:
    ///   - masks: view after view.
    ///   - device: of the pictures.
    init(_ masks: [PatchMask], on device: Device) {
        var patches: [Int] = []
        var weights: [Float] = []
        for (index, mask) in masks.enumerated() {
            let found = mask.hiddenIndices
            patches += found.map { index * mask.grid.count + $0 }
            let weight = 1 / (Float(max(found.count, 1)) * Float(masks.count))
            weights += Array(repeating: weight, count: found.count)
        }
        hidden = Tensor(masks).sent(to: device)
        self.patches = patches.isEmpty ? nil : Tensor(patches).sent(to: device)
        self.weights = Tensor(weights).sent(to: device)
    }
}
