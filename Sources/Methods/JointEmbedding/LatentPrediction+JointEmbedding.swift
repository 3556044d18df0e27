public import Data
import NN
import Torch
public import Training
import VisionModels

extension LatentPrediction {
    /// - Parameters:
    ///   - blocks: the first context of each picture is shown.
    ///   - masks: the same as tensors.
    ///   - predicted: `[P·E·B, M, D]`.
    ///   - targets: of every patch, `[B, N, D]`.
    ///   - grid: of the pictures.
    init(
        _ blocks: MultiBlockBatch, _ masks: JointEmbeddingMasks, predicted: Tensor,
        targets: Tensor, grid: PatchGrid
    ) {
        let (b, n, d) = targets.shape3
        let (p, m) = (masks.targets.count, masks.targets[0].shape[1])
        // Of the first context alone: [P, E, B, M, D] -> [B, P, M, D].
        let first = predicted.atLeastFloat32.reshaped(p, -1, b, m, d)[0..., 0].permuted(1, 0, 2, 3)
        let similarity = first.mean(2).normalized().matmul(targets.normalized().transposed())
        let places = stacked(masks.targets, 1)  // [B, P, M]
        let wanted = targets.selectingTokens(places.flattened(1)).reshaped(b, p, m, d)
        let error = (first - wanted).abs()
        let losses = (error .< 1).select(error.squared() * 0.5, else: error - 0.5).mean(-1)
        let sums = Tensor.zeros([n], device: targets.device)
        self.init(
            grid: grid, contexts: blocks.contexts[0].rows,
            targets: (0..<b).map { row in blocks.targets.map { $0.rows[row] } },
            similarity: similarity,
            lossSums: sums.scatterAdding(losses.flattened(), at: places.flattened(), 0),
            lossCounts: sums.scatterAdding(
                Tensor.ones([b * p * m], device: targets.device), at: places.flattened(), 0))
    }
}

extension LatentPrediction {
    /// Draws the blocks of a batch and predicts them by `predict`; `targets` is `[B, N, D]`.
    fileprivate init(
        _ batch: ImageBatch, _ sampler: MultiBlockMask, of encoder: VisionTransformer,
        targets: Tensor, _ predict: (JointEmbeddingMasks) -> Tensor
    ) {
        let blocks = batch.multiBlock(sampler, on: encoder.maskGrid(of: batch.images))
        let masks = JointEmbeddingMasks(blocks, on: batch.images.device)
        self.init(
            blocks, masks, predicted: noGrad { predict(masks) }, targets: targets,
            grid: encoder.grid(of: batch.images))
    }
}

extension IJEPA: LatentPredictingMethod {
    public func predictLatents(_ batch: ImageBatch) -> LatentPrediction {
        LatentPrediction(
            batch, config.masks, of: encoder, targets: targets(of: batch.images)
        ) { predict(batch.images, $0) }
    }
}

extension StoP: LatentPredictingMethod {
    public func predictLatents(_ batch: ImageBatch) -> LatentPrediction {
        LatentPrediction(
            batch, config.masks, of: encoder, targets: targets(of: batch.images)
        ) { predict(batch.images, $0, noise: noise(for: batch, $0)) }
    }
}
