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

extension IJEPA: LatentPredictingMethod {
    public func predictLatents(_ batch: ImageBatch) -> LatentPrediction {
        noGrad {
            let blocks = batch.multiBlock(config.masks, on: encoder.maskGrid(of: batch.images))
            let masks = JointEmbeddingMasks(blocks, on: batch.images.device)
            return LatentPrediction(
                blocks, masks, predicted: predict(batch.images, masks),
                targets: targets(of: batch.images), grid: encoder.grid(of: batch.images))
        }
    }
}

extension StoP: LatentPredictingMethod {
    public func predictLatents(_ batch: ImageBatch) -> LatentPrediction {
        noGrad {
            let blocks = batch.multiBlock(config.masks, on: encoder.maskGrid(of: batch.images))
            let masks = JointEmbeddingMasks(blocks, on: batch.images.device)
            return LatentPrediction(
                blocks, masks,
                predicted: predict(batch.images, masks, noise: noise(for: batch, masks)),
                targets: targets(of: batch.images), grid: encoder.grid(of: batch.images))
        }
    }
}
